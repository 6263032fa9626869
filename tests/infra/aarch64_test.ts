import assert from "node:assert/strict";
import { errnoNumber } from "../../runner/base/mod.ts";
import { infraBinaryUrl, InfraClient, takeDescriptor } from "../../runner/infra/mod.ts";
import { call, ProgramBuilder, text, vector } from "../../runner/plan/mod.ts";
import { listenUnix, openMemfd } from "../../runner/sys/mod.ts";
import { openDirectory, programFd, shell, TestClient, TestInfra } from "../support/infra_pod.ts";

const QEMU = "/usr/bin/qemu-aarch64";

function hasQemu(): boolean {
  try {
    return Deno.statSync(QEMU).isFile;
  } catch {
    return false;
  }
}

/** What runs under qemu's user mode, which (7.2) knows no clone3: all but the children. */
Deno.test({
  name: "infra-aarch64 starts, serves, refuses and ends under qemu",
  ignore: Deno.uid() !== 0 || !hasQemu(),
}, async () => {
  using infra = new TestInfra();
  using outer = infra.connect();
  const path = Deno.makeTempDirSync({ dir: infra.directory });
  using directory = openDirectory(path);
  using listener = listenUnix(directory, "infra.sock");
  const builder = new ProgramBuilder();
  builder.add("hand over the socket", call("dup3", { kind: "passed", index: 1, text: "socket" }, 3, 0));
  const argv = vector([QEMU, infraBinaryUrl("aarch64").pathname]);
  builder.add("execute", call("execve", text(QEMU), argv, vector([])));
  using program = programFd(builder.build());
  outer.client.spawn({ id: 1n, cloneFlags: 0 }, program, [listener]);
  await outer.event("spawned", 1n);

  using client = new TestClient((hear) => InfraClient.connect(directory, hear)!);
  assert.deepEqual(await client.list(), []);
  using noProgram = openMemfd("program", new Uint8Array(64));
  client.client.spawn({ id: 2n, cloneFlags: 0 }, noProgram, []);
  assert.equal((await client.event("failed", 2n)).errno, errnoNumber("EINVAL"));
  client.spawn(3n, shell("exit 0"));
  const failed = await client.event("failed", 3n);
  assert.deepEqual([failed.step, failed.errno], [-1, errnoNumber("ENOSYS")]);
  assert.equal(takeDescriptor(directory, 3n), undefined);
  client.client.shutdown();
  await client.ended();
  assert.equal((await outer.event("exited", 1n)).waitStatus, 0);
});
