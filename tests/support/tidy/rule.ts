import { treeFiles } from "../../../scripts/tree.ts";

/** One text file of the tree. */
export interface TreeFile {
  /** Relative to the tree's root. */
  path: string;
  /** Its whole text. */
  text: string;
}

/** One place where a rule is broken. */
export interface Fault {
  /** The file. */
  path: string;
  /** The line, from 1. */
  line: number;
  /** What is wrong there. */
  message: string;
}

/** A rule, and a tree that breaks it, so that it is seen to fail. */
export interface Rule {
  /** What must hold, as one clause. */
  name: string;
  /** Every place where it does not. */
  check(tree: readonly TreeFile[]): Fault[];
  /** A tree that breaks the rule. */
  planted: readonly TreeFile[];
  /** Where it does, as `path:line`, in order. */
  faults: readonly string[];
}

const TEXT_FILE = /\.(ts|js|c|h|md|ya?ml|json|golden|sh|txt)$|^\.ci\/run$|^[A-Z]+$/;

/** The text files of the tree. */
export function readTree(root: string): TreeFile[] {
  return treeFiles(root).filter((path) => TEXT_FILE.test(path))
    .map((path) => ({ path, text: Deno.readTextFileSync(`${root}/${path}`) }));
}

/** Whether people wrote the file, as code. */
export function isCode(file: TreeFile): boolean {
  return /\.(ts|js|c|h)$/.test(file.path) && !isGenerated(file);
}

/** Whether people wrote the file, in TypeScript. */
export function isTypeScript(file: TreeFile): boolean {
  return file.path.endsWith(".ts") && !isGenerated(file);
}

/** Whether a script wrote the file. */
export function isGenerated(file: TreeFile): boolean {
  return /\.gen\.[a-z]+$/.test(file.path);
}

/** The line of an offset in a text, from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** The folder of a path; empty for the root. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** A fault at each match of a pattern, which must be global. */
export function faultsAtMatches(
  file: TreeFile,
  pattern: RegExp,
  message: (found: string) => string,
): Fault[] {
  return [...file.text.matchAll(pattern)]
    .map((match) => ({ path: file.path, line: lineAt(file.text, match.index), message: message(match[0]) }));
}
