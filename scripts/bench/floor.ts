import $ from "dax";
import { type DeclaredPod, KernelPorts, planStart } from "../../runner/engine/mod.ts";
import { newPodState } from "../../runner/plan/mod.ts";
import { podPlaces } from "../../runner/state/mod.ts";
import type { BenchRoot } from "./bench_root.ts";
import { floorSource } from "./floor_source.ts";
import type { Contender } from "./statistics.ts";

const SOURCE = new URL("./floor.c", import.meta.url).pathname;
const KERNEL_HEADER = new URL("../../runner/infra", import.meta.url).pathname;
const FLAGS = [
  ..."-std=gnu11 -O2 -Wall -Wextra -Werror -static -nostdlib -ffreestanding".split(" "),
  ..."-fno-stack-protector -fno-strict-aliasing -fno-pic -no-pie".split(" "),
];

/** Compiles the start of the pod as plain C; each measurement starts one, and takes it away as seedpod takes away a pod. */
export async function makeFloor(root: BenchRoot, declared: DeclaredPod): Promise<Contender> {
  const { machine, files } = root;
  const start = planStart(machine, declared, Date.now());
  const { desired } = start;
  const places = podPlaces(machine.root, desired.uid, desired.pod);
  const state = newPodState(desired.uid, Date.now());
  const recordBytes = JSON.stringify({ version: 1, desired, state }).length;
  const header = floorSource(start, { ...places, infra: `${files}/infra`, recordBytes }, machine.facts.arch);
  await Deno.writeTextFile(`${files}/start.h`, header);
  await $`gcc ${FLAGS} -I${files} -I${KERNEL_HEADER} -DDAEMON -o ${files}/daemon ${SOURCE}`;
  await $`gcc ${FLAGS} -I${files} -I${KERNEL_HEADER} -o ${files}/infra ${SOURCE}`;
  const ports = new KernelPorts(machine);
  const measure = async (): Promise<number> => {
    const { code, stdout, stderr } = await new Deno.Command(`${files}/daemon`, { stdin: "null" }).output();
    const [took] = new TextDecoder().decode(stdout).split(" ");
    await ports.destroySandbox(desired, state);
    await ports.removePod(desired);
    machine.ensureCgroups();
    if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
    return Number(took) / 1e6;
  };
  return { name: "plain C", measure };
}
