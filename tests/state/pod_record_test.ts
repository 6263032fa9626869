import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { newPodState } from "../../runner/plan/mod.ts";
import {
  ensureRoot,
  listPodUids,
  type PodRecord,
  podRunDirectory,
  readDeletion,
  readRecord,
  readRecords,
  removeRecord,
  requestDeletion,
  type Root,
  rootPlaces,
  writeRecord,
} from "../../runner/state/mod.ts";

const UID = "11111111-2222-3333-4444-555555555555";

function withRoot(body: (root: Root) => void): void {
  const base = Deno.makeTempDirSync({ prefix: "seedpod-test-" });
  try {
    const root = rootPlaces(base);
    ensureRoot(root);
    Deno.mkdirSync(podRunDirectory(root, UID));
    body(root);
  } finally {
    Deno.removeSync(base, { recursive: true });
  }
}

const record = {
  version: 1,
  desired: {
    uid: UID,
    pod: { metadata: { name: "web", namespace: "default" }, spec: { containers: [] } },
    configMaps: [],
    secrets: [],
    hash: "",
  },
  state: newPodState(UID, 1),
} as unknown as PodRecord;

Deno.test("readRecord() gives back what was written", () =>
  withRoot((root) => {
    writeRecord(root, record);
    deepStrictEqual(readRecord(root, UID), record);
    deepStrictEqual(readRecords(root), [record]);
  }));

Deno.test("readRecord() takes a damaged record for none", () => {
  const whole = JSON.stringify(record);
  const damages = [
    "",
    "{",
    "null",
    "[]",
    "\0garbage",
    '{"version":1}',
    '{"version":1,"desired":null,"state":{}}',
    whole.replace('"version":1', '"version":2'),
    whole.replace(UID, "another"),
    whole.slice(0, whole.length / 2),
  ];
  for (const damage of damages) {
    withRoot((root) => {
      Deno.writeTextFileSync(`${podRunDirectory(root, UID)}/record.json`, damage);
      strictEqual(readRecord(root, UID), undefined, damage);
      deepStrictEqual([readRecords(root), listPodUids(root)], [[], [UID]], damage);
    });
  }
});

Deno.test("requestDeletion() keeps the first time and the shortest grace, and none for a pod that is gone", () =>
  withRoot((root) => {
    requestDeletion(root, UID, { requestedMs: 1, graceSeconds: 30 });
    requestDeletion(root, UID, { requestedMs: 2, graceSeconds: 5 });
    requestDeletion(root, UID, { requestedMs: 3, graceSeconds: 60 });
    deepStrictEqual(readDeletion(root, UID), { requestedMs: 1, graceSeconds: 5 });
    removeRecord(root, UID);
    strictEqual(readDeletion(root, UID), undefined);
    requestDeletion(root, UID, { requestedMs: 4, graceSeconds: 0 });
    deepStrictEqual([...Deno.readDirSync(`${root.run}/deletions`)], []);
  }));
