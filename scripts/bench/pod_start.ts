import { acceptPod, type DeclaredPod, KernelPorts, PodWorker } from "../../runner/engine/mod.ts";
import { podContainers, type PodState } from "../../runner/plan/mod.ts";
import type { DesiredPod } from "../../runner/state/mod.ts";
import type { BenchRoot } from "./bench_root.ts";
import type { Contender } from "./statistics.ts";

/** A pod that runs in this process's care. */
export interface RunningPod {
  readonly desired: DesiredPod;
  readonly state: PodState;
  /** From the decision to the news that every container has been executed, in milliseconds. */
  readonly tookMs: number;
  /** Ends it. */
  remove(): Promise<void>;
}

/** Starts a declared pod by the engine, as the daemon does, and waits until every container runs. */
export async function startPod(root: BenchRoot, declared: DeclaredPod): Promise<RunningPod> {
  const { machine } = root;
  const ports = new KernelPorts(machine);
  const acceptance = acceptPod(machine, declared, Date.now());
  if (acceptance.as !== "created") {
    throw new Error(`the pod "${declared.pod.metadata.name}" is there already`);
  }
  const { desired, state } = acceptance.record;
  const count = podContainers(desired.pod).length;
  const running = Promise.withResolvers<void>();
  const worker = new PodWorker(desired, state, ports, {
    changed(next) {
      const containers = Object.values(next.containers);
      const failed = next.trouble ?? containers.find((each) => each.trouble)?.trouble;
      if (failed) running.reject(new Error(failed.message));
      const started = containers.filter((each) => each.state.at === "running");
      if (started.length === count) running.resolve();
    },
    removed() {},
    fault: (error) => running.reject(error),
  });
  const beganMs = performance.now();
  worker.wake();
  await running.promise;
  const tookMs = performance.now() - beganMs;
  return {
    desired,
    state: worker.state,
    tookMs,
    async remove() {
      await worker.stop();
      await ports.destroySandbox(desired, worker.state);
      await ports.removePod(desired);
      machine.ensureCgroups();
    },
  };
}

/** seedpod in one warm process: from the decision to the news of both execs. */
export function seedpodStart(root: BenchRoot, declared: DeclaredPod): Contender {
  const measure = async (): Promise<number> => {
    const pod = await startPod(root, declared);
    await pod.remove();
    return pod.tookMs;
  };
  return { name: "seedpod", measure };
}
