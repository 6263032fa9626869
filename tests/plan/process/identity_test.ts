import assert from "node:assert/strict";
import { parseGroup, parsePasswd, resolveProcess } from "../../../runner/plan/process/mod.ts";
import { errorOf, type Given, inputOf, users } from "./_input.ts";

const USERS = users(
  "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nagain:x:1000:7::/again:\nrel:x:5:5::home:\n",
  "root:x:0:\nalice:x:1000:\nteam:x:50000:bob,alice\nwheel:x:10:alice\nother:x:11:alicea\nagain:x:12:again\n",
);

/** `uid gid groups home` */
function who(given: Given): string {
  const { uid, gid, groups, home } =
    resolveProcess(inputOf({ rootfsUsers: USERS, ...given })).process.identity;
  return `${uid} ${gid} [${groups}] ${home}`;
}

function image(user: string): Given {
  return { imageConfig: { user } };
}

function pod(securityContext: NonNullable<Given["spec"]>["securityContext"] & object, own = {}): Given {
  return { spec: { securityContext }, container: { securityContext: own } };
}

const TABLE: [title: string, given: Given, identity: string][] = [
  ["root without a word", {}, "0 0 [0] /root"],
  ["root without files", { rootfsUsers: users("") }, "0 0 [0] /"],
  ["the image's name", image("alice"), "1000 1000 [10,1000,50000] /home/alice"],
  ["the image's number", image("1000"), "1000 1000 [10,1000,50000] /home/alice"],
  ["the image's unknown number", image("4242"), "4242 0 [0] /"],
  ["the image's number and group", image("4242:4243"), "4242 4243 [4243] /"],
  ["the image's names", image("alice:team"), "1000 50000 [10,50000] /home/alice"],
  ["the last id there is", image("4294967294"), "4294967294 0 [0] /"],
  ["a relative home", image("rel"), "5 5 [5] /"],
  ["the pod's user", pod({ runAsUser: 1000 }), "1000 1000 [10,1000,50000] /home/alice"],
  ["the container's user", pod({ runAsUser: 1000 }, { runAsUser: 0 }), "0 0 [0] /root"],
  ["the container's group", pod({ runAsGroup: 2 }, { runAsGroup: 3 }), "0 3 [3] /root"],
  [
    "the manifest's user before the image's group",
    { ...image("1:2"), ...pod({ runAsUser: 1000 }) },
    "1000 1000 [10,1000,50000] /home/alice",
  ],
  [
    "the image's user with the manifest's group",
    { ...image("1000:2"), ...pod({ runAsGroup: 3 }) },
    "1000 3 [3,10,50000] /home/alice",
  ],
  // the examples of "Configure a Security Context for a Pod or Container"
  ["the documentation's groups", {
    rootfsUsers: users(""),
    ...pod({ runAsUser: 1000, runAsGroup: 3000, fsGroup: 2000, supplementalGroups: [4000] }),
  }, "1000 3000 [2000,3000,4000] /"],
  [
    "the documentation's merged groups",
    {
      rootfsUsers: users("user:x:1000:1000::/home:\n", "group-in-image:x:50000:user\n"),
      ...pod({ runAsUser: 1000, runAsGroup: 3000, supplementalGroups: [4000] }),
    },
    "1000 3000 [3000,4000,50000] /home",
  ],
  [
    "the documentation's strict groups",
    {
      rootfsUsers: users("user:x:1000:1000::/home:\n", "group-in-image:x:50000:user\n"),
      ...pod({
        runAsUser: 1000,
        runAsGroup: 3000,
        supplementalGroups: [4000],
        supplementalGroupsPolicy: "Strict",
      }),
    },
    "1000 3000 [3000,4000] /home",
  ],
  ["each group once", {
    ...image("alice"),
    ...pod({ fsGroup: 10, supplementalGroups: [50000, 9, 9, 1000] }),
  }, "1000 1000 [9,10,1000,50000] /home/alice"],
  [
    "runAsNonRoot of a number",
    { ...image("1000"), ...pod({ runAsNonRoot: true }) },
    "1000 1000 [10,1000,50000] /home/alice",
  ],
  ["runAsNonRoot taken back", pod({ runAsNonRoot: true }, { runAsNonRoot: false }), "0 0 [0] /root"],
  ["ids of a user namespace", { userNamespaceIds: 65536, ...pod({ runAsUser: 65535 }) }, "65535 0 [0] /"],
];

for (const [title, given, identity] of TABLE) {
  Deno.test(`resolveProcess() takes ${title}: ${identity}`, () => assert.equal(who(given), identity));
}

const NUMBERS = ["4294967295", "4294967296", "00", "01000", "+0", "-1", "99999999999999999999"];
const REFUSED: [title: string, given: Given, state: RegExp][] = [
  ...NUMBERS.map((user): [string, Given, RegExp] => [
    `the number ${user}`,
    { ...image(user), rootfsUsers: users(`${user}:x:0:0::/:\n`) },
    /^image: its user "[^"]+" is no user id$/,
  ]),
  ["an unknown name", image("mallory"), /^image: its user "mallory" is not in its \/etc\/passwd$/],
  ["an unknown group", image("1:staff"), /^image: its group "staff" is not in its \/etc\/group$/],
  ["a group's number", image("1:4294967296"), /^image: its group "4294967296" is no group id$/],
  [
    "runAsNonRoot as the image's root",
    pod({ runAsNonRoot: true }),
    /^securityContext.runAsNonRoot: the image's user is root$/,
  ],
  [
    "runAsNonRoot as uid 0",
    pod({ runAsUser: 0 }, { runAsNonRoot: true }),
    /^securityContext.runAsNonRoot: spec.securityContext.runAsUser is 0, which is root$/,
  ],
  [
    "runAsNonRoot with a name",
    { ...image("alice"), ...pod({ runAsNonRoot: true }) },
    /^securityContext.runAsNonRoot: the image's user "alice" is a name, which may be root's$/,
  ],
  [
    "a user outside the namespace",
    { userNamespaceIds: 65536, ...pod({ runAsUser: 65536 }) },
    /^spec.securityContext.runAsUser: the user 65536 is outside the pod's user namespace, whose ids go from 0 to 65535$/,
  ],
  [
    "a group outside the namespace",
    { userNamespaceIds: 65536, ...pod({}, { runAsGroup: 70000 }) },
    /^securityContext.runAsGroup: the group 70000 is outside/,
  ],
  [
    "an fsGroup outside the namespace",
    { userNamespaceIds: 65536, ...pod({ fsGroup: 70000 }) },
    /^spec.securityContext: the supplementary group 70000 is outside/,
  ],
  [
    "the rootfs's group outside the namespace",
    { userNamespaceIds: 40000, ...image("alice") },
    /^spec.securityContext: the supplementary group 50000 is outside/,
  ],
  ["no id", pod({ fsGroup: 2 ** 32 - 1 }), /the supplementary group 4294967295 is no id/],
];

for (const [title, given, state] of REFUSED) {
  Deno.test(`resolveProcess() refuses ${title}`, () => {
    const message = errorOf({ rootfsUsers: USERS, ...given });
    assert.match(message.replace('Cannot start container "main": ', ""), state);
  });
}

Deno.test("parsePasswd() and parseGroup() skip lines that are none", () => {
  const passwd =
    "# a comment\n\n+::::::\nshort:x\na:x:1:2:g:/a:/sh\r\nbad:x:01:0::/:\nbig:x:4294967295:0::/:\n" +
    "neg:x:-1:0::/:\nnul\0:x:3:3::/:\n:x:4:4::/:\nb:x:5:6";
  assert.deepEqual(parsePasswd(passwd), [
    { name: "a", uid: 1, gid: 2, home: "/a" },
    { name: "b", uid: 5, gid: 6, home: "" },
  ]);
  assert.deepEqual(parseGroup("g:x:1:a,,b\nh:x:2:\njunk\n:x:3:a\ni:x:1e3:a\nk:x:4\r\n"), [
    { name: "g", gid: 1, members: ["a", "b"] },
    { name: "h", gid: 2, members: [] },
    { name: "k", gid: 4, members: [] },
  ]);
});
