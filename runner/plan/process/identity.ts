import type { Identity } from "../start/mod.ts";
import type { Problems } from "./problems.ts";
import type { ProcessInput } from "./process_input.ts";
import { ID_COUNT, parseId, type PasswdEntry } from "./rootfs_users.ts";

/** A user, and the field that chose it. */
interface ChosenUser {
  readonly uid: number;
  /** The rootfs's line about it. */
  readonly entry: PasswdEntry | undefined;
  readonly field: string;
}

/**
 * Who a container's process is: `runAsUser` and `runAsGroup`, the container's before the pod's; else the image's user
 * and group; else the user's primary group in the rootfs, and root. Supplementary groups: the primary one (so that no
 * program can lose it, CVE-2022-2989), the pod's, and under the policy Merge those that the rootfs puts the user in.
 * https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
 */
export function resolveIdentity(input: ProcessInput, problems: Problems): Identity {
  const pod = input.context.pod.spec.securityContext ?? {};
  const user = chooseUser(input, problems);
  if (user === undefined) return ROOT;
  checkNonRoot(input, user, problems);
  const gid = chooseGroup(input, user, problems);
  const name = user.entry?.name;
  const implicit = name === undefined || pod.supplementalGroupsPolicy === "Strict"
    ? []
    : input.rootfsUsers.groups.filter(({ members }) => members.includes(name)).map((group) => group.gid);
  const wanted = [...pod.supplementalGroups ?? [], ...(pod.fsGroup === undefined ? [] : [pod.fsGroup])];
  checkIds(input, user, [...wanted, ...implicit], problems);
  const groups = [...new Set([gid, ...wanted, ...implicit])].sort((a, b) => a - b);
  const home = user.entry?.home ?? "";
  return { uid: user.uid, gid, groups, home: home.startsWith("/") ? home : "/" };
}

/** Stands for a user that could not be found, which keeps the container from starting. */
const ROOT: Identity = { uid: 0, gid: 0, groups: [], home: "/" };

/** The image's `user:group`, taken apart. */
function imageUser(input: ProcessInput): { user: string; group: string } {
  const [user = "", ...rest] = input.imageConfig.user.split(":");
  return { user, group: rest.join(":") };
}

function chooseUser(input: ProcessInput, problems: Problems): ChosenUser | undefined {
  const { passwd } = input.rootfsUsers;
  const byId = (uid: number, field: string): ChosenUser => ({
    uid,
    entry: passwd.find((entry) => entry.uid === uid),
    field,
  });
  const own = input.container.securityContext?.runAsUser;
  if (own !== undefined) return byId(own, "securityContext.runAsUser");
  const pods = input.context.pod.spec.securityContext?.runAsUser;
  if (pods !== undefined) return byId(pods, "spec.securityContext.runAsUser");
  const { user } = imageUser(input);
  const field = "image";
  if (user === "") return byId(0, field);
  if (looksNumeric(user)) {
    const uid = parseId(user);
    if (uid !== undefined) return byId(uid, field);
    problems.add(field, `its user "${user}" is no user id`, RUN_AS_USER);
    return undefined;
  }
  const entry = passwd.find((each) => each.name === user);
  if (entry) return { uid: entry.uid, entry, field };
  problems.add(field, `its user "${user}" is not in its /etc/passwd`, RUN_AS_USER);
  return undefined;
}

const RUN_AS_USER = "Set securityContext.runAsUser to a user id";

/** Numbers are never names, however they are written (CVE-2024-40635). */
function looksNumeric(text: string): boolean {
  return /^[-+]?[0-9]+$/.test(text);
}

function chooseGroup(input: ProcessInput, user: ChosenUser, problems: Problems): number {
  const own = input.container.securityContext?.runAsGroup;
  const pods = input.context.pod.spec.securityContext?.runAsGroup;
  const asked = own ?? pods;
  if (asked !== undefined) {
    const field = own === undefined ? "spec.securityContext.runAsGroup" : "securityContext.runAsGroup";
    checkId(input, `the group ${asked}`, asked, field, problems);
    return asked;
  }
  const { group } = imageUser(input);
  const gid = group !== "" && user.field === "image"
    ? imageGroup(input, group, problems)
    : user.entry?.gid ?? 0;
  checkId(input, `the group ${gid}`, gid, "image", problems);
  return gid;
}

function imageGroup(input: ProcessInput, group: string, problems: Problems): number {
  const hint = "Set securityContext.runAsGroup to a group id";
  if (looksNumeric(group)) {
    const gid = parseId(group);
    if (gid === undefined) problems.add("image", `its group "${group}" is no group id`, hint);
    return gid ?? 0;
  }
  const entry = input.rootfsUsers.groups.find(({ name }) => name === group);
  if (!entry) problems.add("image", `its group "${group}" is not in its /etc/group`, hint);
  return entry?.gid ?? 0;
}

/** Kubernetes' rule: a number other than 0, for a name in an image proves nothing. */
function checkNonRoot(input: ProcessInput, user: ChosenUser, problems: Problems): void {
  const pod = input.context.pod.spec.securityContext?.runAsNonRoot;
  if (!(input.container.securityContext?.runAsNonRoot ?? pod)) return;
  const name = imageUser(input).user;
  if (user.uid === 0) {
    const who = user.field === "image" ? "the image's user is root" : `${user.field} is 0, which is root`;
    problems.add("securityContext.runAsNonRoot", who, "Set securityContext.runAsUser to a user id above 0");
  } else if (user.field === "image" && !looksNumeric(name)) {
    const state = `the image's user "${name}" is a name, which may be root's`;
    problems.add("securityContext.runAsNonRoot", state, RUN_AS_USER);
  }
}

function checkIds(
  input: ProcessInput,
  user: ChosenUser,
  groups: readonly number[],
  problems: Problems,
): void {
  checkId(input, `the user ${user.uid}`, user.uid, user.field, problems);
  for (const gid of groups) {
    checkId(input, `the supplementary group ${gid}`, gid, "spec.securityContext", problems);
  }
}

function checkId(input: ProcessInput, who: string, id: number, field: string, problems: Problems): void {
  const count = input.context.userNamespace?.count;
  if (count !== undefined && id >= count) {
    problems.add(
      field,
      `${who} is outside the pod's user namespace, whose ids go from 0 to ${count - 1}`,
      "Use smaller ids, or take hostUsers: false away",
    );
  } else if (!Number.isInteger(id) || id < 0 || id >= ID_COUNT) {
    problems.add(field, `${who} is no id: they go from 0 to ${ID_COUNT - 1}`);
  }
}
