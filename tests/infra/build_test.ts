import assert from "node:assert/strict";
import { buildInfra, checkInfra, INFRA_ARCHES, MAX_INFRA_BYTES } from "../../scripts/build_infra.ts";
import { infraBinaryUrl } from "../../runner/infra/mod.ts";

const MAX_SOURCE_LINES = 600;
const compilers = ["x86_64-linux-gnu-gcc", "aarch64-linux-gnu-gcc"];
const ignore = !compilers.every((name) => {
  try {
    return new Deno.Command(name, { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
});

for (const arch of INFRA_ARCHES) {
  Deno.test(
    { name: `infra-${arch} is what infra.c gives, byte for byte, however often it is built`, ignore },
    async () => {
      assert.equal(await checkInfra(arch), undefined);
      assert.deepEqual(await buildInfra(arch), await buildInfra(arch));
    },
  );
}

Deno.test("infra is small: its executables and its source", () => {
  for (const arch of INFRA_ARCHES) assert.ok(Deno.statSync(infraBinaryUrl(arch)).size <= MAX_INFRA_BYTES);
  const source = Deno.readTextFileSync(new URL("../../runner/infra/infra.c", import.meta.url));
  assert.ok(source.split("\n").length - 1 <= MAX_SOURCE_LINES, `${source.split("\n").length - 1} lines`);
});
