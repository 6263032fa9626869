import { strictEqual, throws } from "node:assert/strict";
import { chooseFirstHostId, parseSubordinateIds } from "../../runner/engine/kernel/user_ids.ts";

const UID = "00000001-0000-4000-8000-000000000000";
const ranges = (count: number) => ({ start: 100_000, count: count * 65_536 });

Deno.test("parseSubordinateIds() takes what the file grants to seedpod, and nobody else's", () => {
  const { start, count } = parseSubordinateIds("alice:100000:65536\nseedpod:500000:131072\nseedpod:1:1\n");
  strictEqual(`${start} ${count}`, "500000 131072");
});

Deno.test("parseSubordinateIds() takes ids far from those of people where none are granted", () => {
  for (const text of ["", "seedpod2:1:65536", "# seedpod:1:65536", "seedpod:-1:65536", "seedpod:1:"]) {
    const { start, count } = parseSubordinateIds(text);
    strictEqual(start, 0x7000_0000, text);
    strictEqual(start + count <= 2 ** 31, true, text);
  }
});

Deno.test("chooseFirstHostId() gives each pod a range of its own until none is left", () => {
  const taken = new Set<number>();
  for (let pod = 0; pod < 3; pod++) taken.add(chooseFirstHostId(ranges(3), UID, taken));
  strictEqual([...taken].sort((a, b) => a - b).join(), "100000,165536,231072");
  throws(() => chooseFirstHostId(ranges(3), UID, taken), /all 3 ranges of ids are taken/);
});

Deno.test("chooseFirstHostId() starts where the uid says, and stays within what is granted", () => {
  strictEqual(chooseFirstHostId(ranges(3), UID, new Set()), 165_536);
  strictEqual(chooseFirstHostId({ start: 100_000, count: 65_536 + 65_535 }, UID, new Set()), 100_000);
  throws(() => chooseFirstHostId({ start: 100_000, count: 65_535 }, UID, new Set()), /all 0 ranges/);
});
