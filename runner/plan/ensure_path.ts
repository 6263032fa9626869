/** Paths below roots that containers may have written to: resolved once, made where they are missing. */
import { type Arch, type ErrnoName, type FlagName, FLAGS } from "../base/mod.ts";
import { addOpenInside, SELF } from "./idioms.ts";
import {
  type ArgLike,
  bytes,
  call,
  type Check,
  type Data,
  octal,
  ProgramBuilder,
  resultOf,
  type Step,
  type StepOptions,
  text,
} from "./program.ts";

const STATX_BYTES = 256;
const STX_MODE_AT = 28;
const STATX_TYPE = 1;

/** Adds `statx(2)` of a descriptor; {@linkcode isType} asks its answer. */
export function addStatxType(
  builder: ProgramBuilder,
  name: string,
  file: ArgLike,
  options: StepOptions = {},
): Data {
  const answer = bytes(new Uint8Array(new ArrayBuffer(STATX_BYTES)), "<statx>");
  builder.add(name, call("statx", file, SELF, "AT_EMPTY_PATH", STATX_TYPE, answer), options);
  return answer;
}

/** Asks whether what `statx(2)` answered is of a type. */
export function isType(
  answer: Data,
  type: "S_IFDIR" | "S_IFREG" | "S_IFSOCK" | "S_IFCHR" | "S_IFBLK",
  errno: ErrnoName,
): Check {
  return { check: answer, offset: STX_MODE_AT, mask: FLAGS.S_IFMT, equals: FLAGS[type], errno };
}

/** How {@linkcode addEnsurePath} resolves, and what it makes where nothing is. */
export interface EnsureRule {
  /** What the last component becomes; or the answer of {@linkcode addStatxType}, whose kind it takes. */
  readonly kind: "directory" | "file" | Data;
  readonly arch: Arch;
  /** RESOLVE_* flags; inside the root and without magic links when left out. */
  readonly resolve?: readonly FlagName[];
  /** The mode of new directories, before the umask; 0755 when left out. */
  readonly directoryMode?: number;
}

/** Symlinks are followed as a process with that root would follow them. */
export const IN_ROOT: readonly FlagName[] = ["RESOLVE_IN_ROOT", "RESOLVE_NO_MAGICLINKS"];
/** Symlinks that lead out are an error. */
export const BENEATH: readonly FlagName[] = ["RESOLVE_BENEATH", "RESOLVE_NO_MAGICLINKS"];

/** The components of a path, without the empty ones and `.`. */
export function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

/**
 * Adds the opening (O_PATH) of a path below a root that containers may have written to, made with its parents where it is
 * missing. Every resolution is confined by the kernel, so a symlink planted meanwhile leads to an error or to another
 * place inside, never out; what was opened is what is used.
 */
export function addEnsurePath(
  builder: ProgramBuilder,
  name: string,
  root: ArgLike,
  path: string,
  rule: EnsureRule,
  options: StepOptions = {},
): Step {
  const how = { open: ["O_PATH"] as const, resolve: rule.resolve ?? IN_ROOT, arch: rule.arch };
  const open = (into: ProgramBuilder, prefix: string, more: StepOptions = {}): Step =>
    addOpenInside(into, name, root, prefix, how, { ...options, ...more });
  const parts = partsOf(path);
  if (parts.length === 0) return open(builder, ".");
  const opened = parts.map((_, index) =>
    open(new ProgramBuilder(), parts.slice(0, index + 1).join("/"), { tolerate: ["ENOENT"] })
  );
  const target = opened.at(-1)!;
  const all = new ProgramBuilder();
  let parent: ArgLike = root;
  opened.forEach((step, index) => {
    const missing = step === target ? all : new ProgramBuilder();
    const kind = step === target ? rule.kind : "directory";
    addMake(missing, name, [parent, text(parts[index]!)], { ...rule, kind }, options);
    open(missing, parts.slice(0, index + 1).join("/"), { resultInto: step });
    if (step !== target) all.append(step, missing);
    parent = resultOf(step);
  });
  return builder.append(target, all);
}

/** Adds the making of one file or directory; somebody may have been quicker. */
export function addMake(
  builder: ProgramBuilder,
  name: string,
  [parent, entry]: readonly [parent: ArgLike, entry: Data],
  rule: Omit<EnsureRule, "arch">,
  options: StepOptions,
): void {
  const file = call("mknodat", parent, entry, octal(FLAGS.S_IFREG | 0o644), 0);
  const directory = call("mkdirat", parent, entry, octal(rule.directoryMode ?? 0o755));
  const exists: StepOptions = { ...options, tolerate: ["EEXIST"] };
  if (rule.kind === "file") builder.add(name, file, exists);
  else if (rule.kind === "directory") builder.add(name, directory, exists);
  else addMakeOfKind(builder, name, rule.kind, { file, directory }, options);
}

/**
 * Adds both ways: for a directory the file is passed over; a file that is there, new or old, passes over the directory or
 * makes its `mkdirat` fail with EEXIST, which is as good.
 */
function addMakeOfKind(
  builder: ProgramBuilder,
  name: string,
  kind: Data,
  make: { readonly file: ReturnType<typeof call>; readonly directory: ReturnType<typeof call> },
  options: StepOptions,
): void {
  const isDirectory = isType(kind, "S_IFDIR", "ENOTDIR");
  builder.add(name, isDirectory, { ...options, tolerate: ["ENOTDIR"], skipOnSuccess: 1 });
  builder.add(name, make.file, { ...options, tolerate: ["EEXIST"], skipOnSuccess: 1 });
  builder.add(name, make.directory, { ...options, tolerate: ["EEXIST"] });
}
