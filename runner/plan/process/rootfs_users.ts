/** One line of a rootfs's /etc/passwd, see `passwd(5)`. */
export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** One line of a rootfs's /etc/group, see `group(5)`. */
export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The users and groups that a rootfs knows. The files are the image's, so what they say is hostile. */
export interface RootfsUsers {
  readonly passwd: readonly PasswdEntry[];
  readonly groups: readonly GroupEntry[];
}

/** A rootfs without /etc/passwd and /etc/group. */
export const EMPTY_ROOTFS_USERS: RootfsUsers = { passwd: [], groups: [] };

/** The ids go from 0 to 2^32-2: the last number means "no change" to the kernel's calls. */
export const ID_COUNT = 2 ** 32 - 1;

/** The id that a text is in canonical decimal; undefined for everything else, such as `+1`, `01` or 2^32 (CVE-2024-40635). */
export function parseId(text: string): number | undefined {
  const id = /^(?:0|[1-9][0-9]{0,9})$/.test(text) ? Number(text) : ID_COUNT;
  return id < ID_COUNT ? id : undefined;
}

/** The fields of each line that can be one; a NUL ends a text for the kernel, so no honest line holds one. */
function fieldsOf(text: string): string[][] {
  return text.split("\n").filter((line) => !line.includes("\0")).map((line) =>
    line.replace(/\r$/, "").split(":")
  );
}

/** Reads the text of an /etc/passwd; lines that are none are skipped. */
export function parsePasswd(text: string): PasswdEntry[] {
  return fieldsOf(text).flatMap(([name = "", _password, uidText = "", gidText = "", _gecos, home = ""]) => {
    const uid = parseId(uidText);
    const gid = parseId(gidText);
    return name === "" || uid === undefined || gid === undefined ? [] : [{ name, uid, gid, home }];
  });
}

/** Reads the text of an /etc/group; lines that are none are skipped. */
export function parseGroup(text: string): GroupEntry[] {
  return fieldsOf(text).flatMap(([name = "", _password, gidText = "", members = ""]) => {
    const gid = parseId(gidText);
    if (name === "" || gid === undefined) return [];
    return [{ name, gid, members: members.split(",").filter((member) => member !== "") }];
  });
}
