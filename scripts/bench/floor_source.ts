import { type Arch, errnoNumber, flagValue, syscallNumber } from "../../runner/base/mod.ts";
import type { PlannedStart } from "../../runner/engine/mod.ts";
import { OPENERS } from "../../runner/linux/mod.ts";
import { type Arg, type Data, encodeProgram, type Program, type Step } from "../../runner/plan/mod.ts";

/** Where the pod of the floor has its files. */
export interface FloorPlaces {
  readonly run: string;
  readonly lib: string;
  readonly logs: string;
  /** The executable that stands in for infra. */
  readonly infra: string;
  /** Bytes of the pod's record. */
  readonly recordBytes: number;
}

/** Whose side a program runs on: the child says that it executes, and finds its descriptors in an array. */
type Side = "daemon" | "child";

/** C for one program: its data, and a function that makes its calls one after the other. */
class FunctionSource {
  readonly #name: string;
  readonly #program: Program;
  readonly #arch: Arch;
  readonly #side: Side;
  readonly #data = new Map<Data, string>();
  readonly #indexes = new Map<Step, number>();
  readonly #declarations: string[] = [];
  readonly #links: string[] = [];

  constructor(name: string, program: Program, side: Side, arch: Arch) {
    this.#name = name;
    this.#program = program;
    this.#side = side;
    this.#arch = arch;
    program.steps.forEach((step, index) => this.#indexes.set(step, index));
  }

  render(): string {
    const steps = this.#program.steps.flatMap((step, index) => this.#step(step, index));
    const targets = new Set(steps.flatMap((line) => /goto (\w+);/.exec(line)?.[1] ?? []));
    const body = steps.filter((line) => !/^l\d+:;$/.test(line) || targets.has(line.slice(0, -2)));
    const parameters = this.#side === "daemon" ? "long *r" : "long *r, const int *fds, int status_pipe";
    return [
      ...this.#declarations,
      `static void ${this.#name}(${parameters}) {`,
      "  long x;",
      ...this.#links,
      ...body,
      "}",
      "",
    ].join("\n");
  }

  /** The name of the array that holds data; its bytes are emitted once. */
  dataName(data: Data): string {
    const known = this.#data.get(data);
    if (known !== undefined) return known;
    const name = `${this.#name}_${this.#data.size}`;
    this.#data.set(data, name);
    const length = Math.max(1, data.bytes.length);
    const used = data.bytes.subarray(0, data.bytes.findLastIndex((byte) => byte !== 0) + 1);
    this.#declarations.push(
      `static u8 ${name}[${length}] __attribute__((aligned(8))) = { ${[...used].join(", ") || 0} };`,
    );
    for (const { at, to } of data.pointers ?? []) {
      this.#links.push(`  *(u64 *)(void *)(${name} + ${at}) = (u64)${this.dataName(to)};`);
    }
    return name;
  }

  #step(step: Step, index: number): string[] {
    const { action } = step;
    if ("reapBelow" in action) throw new Error("the floor leaves no reaper behind");
    const [first = 0, second = 0] = (step.tolerate ?? []).map(errnoNumber);
    const lines: string[] = [];
    if ("call" in action && action.call.startsWith("execve") && this.#side === "child") {
      lines.push("  SAY_EXECUTING(status_pipe);");
    }
    const register = this.#indexes.get(step.resultInto ?? step)!;
    lines.push(`  STEP(${index}, ${register}, ${first}, ${second}, ${this.#expression(action)});`);
    if (step.store) {
      const place = `${this.dataName(step.store.in)} + ${step.store.at}`;
      lines.push(
        step.store.as === "path"
          ? `  put_path(${place}, r[${register}]);`
          : `  *(s32 *)(void *)(${place}) = (s32)r[${register}];`,
      );
    }
    if (step.skipOnSuccess) lines.push(`  if (x >= 0) goto l${index + 1 + step.skipOnSuccess};`);
    return [...lines, `l${index + 1}:;`];
  }

  #expression(action: Exclude<Step["action"], { reapBelow: true }>): string {
    if ("check" in action) {
      const { check, offset, mask, equals, errno } = action;
      const word = `*(u32 *)(void *)(${this.dataName(check)} + ${offset})`;
      return `(${word} & ${mask >>> 0}u) == ${equals >>> 0}u ? 0 : -${errnoNumber(errno)}`;
    }
    const args = action.args.map((arg) => this.#arg(arg));
    while (args.length < 6) args.push("0");
    return `call6(${syscallNumber(action.call, this.#arch)}, ${args.join(", ")})`;
  }

  #arg(arg: Arg): string {
    switch (arg.kind) {
      case "int":
        return `${BigInt.asIntN(64, BigInt(arg.value))}l`;
      case "flags":
        return `${flagValue(arg.names, this.#arch)}l`;
      case "data":
        return `(long)${this.dataName(arg)}`;
      case "result":
        return `r[${this.#indexes.get(arg.step)}]`;
      case "passed":
        return `fds[${arg.index}]`;
    }
  }
}

/** The descriptors that a program of the daemon's leaves open: those of its steps, and what pipe2(2) wrote. */
function leftOpen(program: Program, source: FunctionSource): string[] {
  const open = new Set<Step>();
  const words: string[] = [];
  for (const step of program.steps) {
    if (!("call" in step.action)) continue;
    const [first] = step.action.args;
    if (OPENERS.has(step.action.call)) open.add(step.resultInto ?? step);
    if (step.action.call === "close" && first?.kind === "result") open.delete(first.step);
    if (step.action.call === "pipe2" && first?.kind === "data") {
      for (const at of [0, 4]) words.push(`*(s32 *)(void *)(${source.dataName(first)} + ${at})`);
    }
  }
  return [...[...open].map((step) => `r[${program.steps.indexOf(step)}]`), ...words];
}

/** The functions of one pair of programs: the daemon's, the child's, what is passed between them, what is closed. */
function pairSource(
  name: string,
  pair: PlannedStart["sandbox"] | PlannedStart["containers"][number],
  firstPassed: number,
  arch: Arch,
): string {
  const host = new FunctionSource(`host_${name}`, pair.host, "daemon", arch);
  const child = new FunctionSource(`child_${name}`, pair.child, "child", arch);
  const passed = pair.passed.map((source) => {
    if (source.kind === "step") return `r[${pair.host.steps.indexOf(source.step)}]`;
    if (source.kind === "word") return `*(s32 *)(void *)(${host.dataName(source.data)} + ${source.at})`;
    throw new Error("the floor has no descriptors of its own to pass");
  });
  const closes = leftOpen(pair.host, host);
  return [
    "#ifdef DAEMON",
    host.render(),
    `static int descriptors_${name}(const long *r, int *fds) {`,
    ...passed.map((value, index) => `  fds[${firstPassed + index}] = (int)${value};`),
    `  return (void)r, ${firstPassed + passed.length};`,
    "}",
    `static void close_${name}(const long *r) {`,
    ...closes.map((fd) => `  SYS(close, ${fd});`),
    "  (void)r;",
    "}",
    "#else",
    child.render(),
    "#endif",
  ].join("\n");
}

const HEAD = `#pragma once
enum { AF_UNIX_ = 1 };
static void give_up(int step, long error);
static long must(long result);
#define STEP(index, register, first, second, expression) do { \\
    x = (expression); \\
    if (x < 0 && x > -4096 && x != -(first) && x != -(second)) give_up(index, x); \\
    r[register] = x < 0 && x > -4096 ? -1 : x; \\
  } while (0)
#define SAY_EXECUTING(pipe) do { const s32 said[3] = { 2, 0, 0 }; SYS(write, pipe, said, sizeof said); } while (0)
static inline __attribute__((unused)) void put_path(u8 *at, long fd) {
  for (int i = 9; i >= 0; i--, fd /= 10) at[i] = fd || i == 9 ? (u8)('0' + fd % 10) : '/';
}
`;

/** The header that floor.c includes: everything of it that depends on the pod. */
export function floorSource(start: PlannedStart, places: FloorPlaces, arch: Arch): string {
  const { sandbox, containers } = start;
  const bytes = (program: Program): number => encodeProgram(program, arch).bytes.length;
  const sizes = [sandbox.child, ...containers.map(({ child }) => child)].map(bytes);
  const programs = [sandbox, ...containers].flatMap(({ host, child }) => [host, child]);
  const rows = containers.map(({ keeps, cloneFlags }, index) => {
    const { stdout, stderr = -1, logDirectory, keep: [message, stdin = -1] } = keeps;
    const kept = [stdout, stderr, logDirectory, message, stdin].join(", ");
    return `  { ${flagValue(cloneFlags, arch)}, ${keeps.cgroup ?? -1}, { ${kept} }, ${
      sizes[index + 1]
    }, PAIR(c${index}) },`;
  });
  return [
    HEAD,
    ...Object.entries({ RUN: places.run, LIB: places.lib, LOGS: places.logs, INFRA: places.infra })
      .map(([name, path]) => `#define ${name} ${JSON.stringify(path)}`),
    `enum { CONTAINERS = ${containers.length}, SANDBOX_FLAGS = ${flagValue(sandbox.cloneFlags, arch)} };`,
    `enum { SANDBOX_CGROUP = ${sandbox.cgroup ?? -1}, SANDBOX_BYTES = ${sizes[0]} };`,
    `enum { RECORD_BYTES = ${places.recordBytes}, PROGRAM_ROOM = ${
      Math.max(...sizes, places.recordBytes)
    } };`,
    `enum { MAX_RESULTS = ${Math.max(...programs.map(({ steps }) => steps.length))} };`,
    pairSource("sandbox", sandbox, 3, arch),
    ...containers.map((container, index) => pairSource(`c${index}`, container, 1, arch)),
    "#ifdef DAEMON",
    "struct container { u64 clone_flags; s32 cgroup, keep[5], bytes; void (*host)(long *), (*close)(const long *);",
    "  int (*descriptors)(const long *, int *); };",
    "#define PAIR(n) host_##n, close_##n, descriptors_##n",
    "#else",
    "struct container { u64 clone_flags; s32 cgroup, keep[5], bytes; void (*child)(long *, const int *, int); };",
    "#define PAIR(n) child_##n",
    "#endif",
    "static const struct container containers[] = {",
    ...rows,
    "};",
  ].join("\n");
}
