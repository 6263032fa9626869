import type { Pod } from "../../../schema/kubernetes/mod.ts";
import { podRow, wideCells } from "./pod_row.ts";
import { renderTable } from "./table.ts";
import { visible } from "./visible.ts";

/** How the table of pods is to look. */
export interface PodTableOptions {
  readonly nowMs: number;
  readonly wide?: boolean;
  /** Begins with a column of namespaces. */
  readonly namespaces?: boolean;
  readonly headers?: boolean;
}

/** The table of `kubectl get pods`. */
export function renderPods(pods: readonly Pod[], options: PodTableOptions): string {
  const { nowMs, wide = false, namespaces = false, headers = true } = options;
  const head = [
    ...namespaces ? ["NAMESPACE"] : [],
    ...["NAME", "READY", "STATUS", "RESTARTS", "AGE"],
    ...wide ? ["IP", "NODE", "NOMINATED NODE", "READINESS GATES"] : [],
  ];
  const rows = pods.map((pod) => {
    const { name, ready, status, restarts, age } = podRow(pod, nowMs);
    return [
      ...namespaces ? [pod.metadata?.namespace ?? "default"] : [],
      ...[name, ready, visible(status), restarts, age],
      ...wide ? wideCells(pod) : [],
    ];
  });
  return renderTable(headers ? [head, ...rows] : rows);
}

/** One line `pod/NAME` for each. */
export function renderPodNames(pods: readonly Pod[]): string {
  return pods.map(({ metadata }) => `pod/${metadata?.name}\n`).join("");
}
