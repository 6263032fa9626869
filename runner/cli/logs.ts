import type { ContainerStatus, Pod } from "../../schema/kubernetes/mod.ts";
import { SeedpodError } from "../base/mod.ts";
import { logAttempts, type LogOptions, mergeLogs, readLog } from "../state/cri_log/mod.ts";
import type { ParsedOf } from "./commands.ts";
import { allContainers, chooseContainer, findPod, namespaceOf } from "./arguments/mod.ts";
import type { CommandEngine, Context } from "./io.ts";
import { renderLogLines } from "./view/mod.ts";

type Options = ParsedOf<"logs">["options"];

/** How often a followed container is looked at, to see whether it still runs. */
const LOOK_EVERY_MS = 500;

function statusOf(pod: Pod, container: string): ContainerStatus | undefined {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses].find(({ name }) => name === container);
}

/** Which run of the container is asked for; undefined when there was none. */
function attemptOf(
  directory: string,
  status: ContainerStatus | undefined,
  previous: boolean,
): number | undefined {
  const attempts = logAttempts(directory);
  if (!previous) return attempts.at(-1);
  // Between two runs the last one there was is the previous one.
  return attempts.at(status?.state?.waiting ? -1 : -2);
}

function noLogs(pod: Pod, container: string, status: ContainerStatus | undefined, previous: boolean): never {
  const { waiting } = status?.state ?? {};
  const reason = waiting?.reason ? ` (${waiting.reason})` : "";
  const why = previous
    ? "it has not been restarted"
    : waiting
    ? `it waits to start${reason}`
    : "there are none";
  throw new SeedpodError(
    `Cannot read the logs of container "${container}" in pod "${pod.metadata?.name}": ${why}`,
    {
      fault: "user",
      hint: previous ? "Leave --previous out" : `See "seedpod describe pod ${pod.metadata?.name}"`,
    },
  );
}

/** Says whether a container has ended, without asking more often than makes sense. */
function endWatcher(
  engine: CommandEngine,
  uid: string | undefined,
  container: string,
): () => Promise<boolean> {
  let askAgainMs = 0;
  return async () => {
    if (performance.now() < askAgainMs) return false;
    const pod = (await engine.pods()).find(({ metadata }) => metadata?.uid === uid);
    askAgainMs = performance.now() + LOOK_EVERY_MS;
    return pod === undefined || statusOf(pod, container)?.state?.running === undefined;
  };
}

function logOptions(
  engine: CommandEngine,
  pod: Pod,
  container: string,
  options: Options,
  nowMs: number,
): LogOptions | undefined {
  const directory = `${engine.logRoot}/${
    namespaceOf(pod)
  }_${pod.metadata?.name}_${pod.metadata?.uid}/${container}`;
  const attempt = attemptOf(directory, statusOf(pod, container), options.previous);
  if (attempt === undefined) return undefined;
  const isFollowed = options.follow && !options.previous;
  return {
    directory,
    attempt,
    ...(options.tail !== undefined && options.tail >= 0 && { tail: options.tail }),
    ...(options.since !== undefined && { sinceMs: nowMs - options.since }),
    ...(isFollowed && { follow: { isOver: endWatcher(engine, pod.metadata?.uid, container) } }),
  };
}

/** `seedpod logs POD`: prints what containers wrote. */
export async function run({ positionals, options }: ParsedOf<"logs">, context: Context): Promise<number> {
  const isAll = options["all-containers"];
  if (isAll && options.container !== undefined) {
    throw new SeedpodError("Cannot read logs: both --container and --all-containers are given", {
      fault: "user",
      hint: "Leave one of them out",
    });
  }
  const engine = await context.engine();
  const pod = findPod(await engine.pods(), positionals[0]!, options.namespace);
  const chosen = isAll ? allContainers(pod) : [chooseContainer(pod, options.container)];
  for (const each of chosen) if ("note" in each && each.note) context.note(each.note);
  const names = chosen.map(({ name }) => name);
  const logs = names.flatMap((name): (readonly [string, LogOptions])[] => {
    const log = logOptions(engine, pod, name, options, context.nowMs());
    if (!log && !isAll) noLogs(pod, name, statusOf(pod, name), options.previous);
    return log ? [[name, log]] : [];
  });
  const [first] = logs;
  if (first && !isAll && !options.prefix) {
    for await (const piece of readLog({ ...first[1], timestamps: options.timestamps })) {
      await context.stdout(piece);
    }
    return 0;
  }
  const prefix = (name: string): string => options.prefix ? `[pod/${pod.metadata?.name}/${name}] ` : "";
  for await (const lines of mergeLogs(logs)) {
    await context.stdout(renderLogLines(lines, prefix, options.timestamps));
  }
  return 0;
}
