import assert from "node:assert/strict";
import { shell, TestInfra, until } from "../support/infra_pod.ts";
import { logNames } from "../support/infra_log.ts";
import { memoryKb } from "../support/infra_proc.ts";

const ignore = Deno.uid() !== 0;
/** What a pod may cost besides its own processes, in kB. */
const MAX_POD_KB = 40;

Deno.test({
  name: "an idle infra with two containers stays within its memory, and gives the log's buffers back",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  const directory = Deno.makeTempDirSync({ dir: infra.directory });
  const fifo = (id: number | bigint): string => `${infra.directory}/fifo${id}`;
  for (const id of [1, 2]) new Deno.Command("mkfifo", { args: [fifo(id)] }).outputSync();
  for (const id of [1n, 2n]) {
    const command = shell(`read x < ${fifo(id)}; seq 1 50000; exec sleep 1000`);
    client.spawn(id, {
      ...command,
      ownPid: true,
      log: { directory, attempt: Number(id), maxBytes: 10 << 20, maxFiles: 5 },
    });
    await client.event("spawned", id);
  }
  const memory = (): number => Math.max(memoryKb(infra.pid, "Rss"), memoryKb(infra.pid, "Pss"));
  assert.ok(memory() <= MAX_POD_KB, `${memory()} kB`);
  for (const id of [1, 2]) Deno.writeTextFileSync(fifo(id), "go\n");
  const logged = (id: number) =>
    logNames(directory, id).length > 0 &&
    Deno.readTextFileSync(`${directory}/${id}.log`).endsWith(" 50000\n");
  await until(() => logged(1) && logged(2));
  await until(() => memory() <= MAX_POD_KB);
});
