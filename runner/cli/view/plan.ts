import type { Locate, Program } from "../../plan/mod.ts";

/** One thing that would be done. */
export interface PlannedAction {
  /** `+` something begins, `-` something ends, `~` something changes. */
  readonly sign: "+" | "-" | "~";
  /** What, such as `start container "web"`. */
  readonly text: string;
}

/** The system calls of one part of a start. */
export interface PlannedProgram {
  /** Whose they are and who makes them, such as `container "web", in the container`. */
  readonly title: string;
  readonly program: Program;
}

/** What would be done for one pod. */
export interface PlannedPod {
  readonly namespace: string;
  readonly name: string;
  /** In order; none when the pod is as it should be. */
  readonly actions: readonly PlannedAction[];
  readonly programs: readonly PlannedProgram[];
  /** Finds the line of the manifest that a step comes from. */
  readonly locate: Locate;
}

const COLOR_OF = { "+": "32", "-": "31", "~": "33" } as const;

function renderActions({ actions }: PlannedPod, color: boolean): string {
  if (actions.length === 0) return "  nothing to do\n";
  return actions.map(({ sign, text }) =>
    `  ${color ? `\x1b[${COLOR_OF[sign]}m${sign}\x1b[0m` : sign} ${text}\n`
  ).join("");
}

/** How a plan is to look. */
export interface PlanOptions {
  readonly color: boolean;
  /** Renders the system calls of a program, when they are wanted. */
  readonly renderProgram?: (program: Program, locate: Locate) => string;
}

function renderPrograms(
  { programs, locate }: PlannedPod,
  renderProgram: NonNullable<PlanOptions["renderProgram"]>,
): string {
  return programs.map(({ title, program }) => {
    const calls = program.steps.filter(({ action }) => "call" in action).length;
    const text = renderProgram(program, locate).replaceAll(/^(?=.)/gm, "    ");
    return `\n  ${title}: ${calls} system call${calls === 1 ? "" : "s"}\n${text}`;
  }).join("");
}

/** What would be done, pod by pod, down to every system call if asked. */
export function renderPlan(pods: readonly PlannedPod[], { color, renderProgram }: PlanOptions): string {
  const blocks = pods.map((pod) => {
    const name = pod.namespace === "default" ? pod.name : `${pod.namespace}/${pod.name}`;
    return `pod ${name}\n` + renderActions(pod, color) +
      (renderProgram ? renderPrograms(pod, renderProgram) : "");
  });
  return blocks.length === 0 ? "no pods\n" : blocks.join("\n");
}
