import { type Fault, folderOf, isCode, isTypeScript, type Rule, type TreeFile } from "./rule.ts";
import { syntaxOf } from "./syntax.ts";

/** The layers, from the lowest: a module imports modules of lower layers only, never one of its own. */
const LAYERS = [
  ["schema", "runner/base"],
  ["runner/plan", "runner/sys"],
  ["runner/linux", "runner/state"],
  ["runner/infra", "runner/image", "runner/volume", "runner/network", "runner/probe"],
  ["runner/engine"],
  ["runner/api"],
  ["runner/cli"],
  ["mod.ts", "runner/main.ts"],
];
const MAX_FILES_PER_FOLDER = 15;
const FORBIDDEN_NAMES = ["utils", "util", "helpers", "helper", "common", "types", "misc"];

/** The module that a path belongs to: a folder of a layer, or a door of layer 7; undefined for tests and scripts. */
function moduleOf(path: string): string | undefined {
  const [first, second] = path.split("/");
  if (first === "schema" || path === "mod.ts") return first;
  return first === "runner" ? `runner/${second}` : undefined;
}

function layerOf(module: string): number {
  return LAYERS.findIndex((layer) => layer.includes(module));
}

/** The imports of a file that stay in the tree, as paths from its root. */
function importsOf(file: TreeFile): { path: string; line: number }[] {
  return syntaxOf(file).imports.filter(({ specifier }) => specifier.startsWith(".")).map((
    { specifier, line },
  ) => ({
    path: new URL(specifier, `file:///${file.path}`).pathname.slice(1),
    line,
  }));
}

/** A file imports its neighbours, what lies above it in its own module, and the doors of other folders. */
function isThroughDoor(from: string, to: string): boolean {
  if (to.endsWith("/mod.ts") || to === "mod.ts" || to === "runner/main.ts") return true;
  return moduleOf(from) === moduleOf(to) && `${folderOf(from)}/`.startsWith(`${folderOf(to)}/`);
}

function layerFaults(file: TreeFile): Fault[] {
  const module = moduleOf(file.path);
  if (module === undefined) return [];
  if (layerOf(module) < 0) return [{ path: file.path, line: 1, message: `${module} belongs to no layer` }];
  return importsOf(file).flatMap(({ path, line }) => {
    const other = moduleOf(path);
    if (other === module || path === "deno.json") return [];
    if (other !== undefined && layerOf(other) >= 0 && layerOf(other) < layerOf(module)) return [];
    return [{ path: file.path, line, message: `${module} imports ${other ?? path}, which is not below it` }];
  });
}

function doorFaults(file: TreeFile): Fault[] {
  if (file.path.startsWith("tests/")) return [];
  return importsOf(file).filter(({ path }) => moduleOf(path) !== undefined && !isThroughDoor(file.path, path))
    .map(({ path, line }) => ({
      path: file.path,
      line,
      message: `${path} is no door: import its folder's mod.ts`,
    }));
}

/** Tests of whole pods have one file a feature, and what tests share has one a subject: lists, not rooms. */
const LISTS: readonly string[] = ["tests/pods", "tests/support"];

function crowdedFolders(tree: readonly TreeFile[]): Fault[] {
  const housed = tree.filter((file) => isCode(file) && !LISTS.includes(folderOf(file.path)));
  const folders = Map.groupBy(housed, (file) => folderOf(file.path));
  return [...folders].filter(([, files]) => files.length > MAX_FILES_PER_FOLDER).map(([folder, files]) => ({
    path: folder,
    line: 1,
    message: `${files.length} files, above ${MAX_FILES_PER_FOLDER}`,
  }));
}

function forbiddenNames(tree: readonly TreeFile[]): Fault[] {
  return tree.filter((file) =>
    file.path.replace(/\.[^/]*$/, "").split("/").some((name) => FORBIDDEN_NAMES.includes(name))
  )
    .map((file) => ({ path: file.path, line: 1, message: "a name that says nothing" }));
}

/** The rules about who may know whom. */
export const houseRules: readonly Rule[] = [
  {
    name: "imports go only down the layers, and never to a sibling",
    check: (tree) => tree.filter(isTypeScript).flatMap(layerFaults),
    planted: [
      { path: "runner/plan/a.ts", text: 'import "../linux/mod.ts";\nimport "../base/mod.ts";\n' },
      {
        path: "runner/linux/a.ts",
        text: 'import type { A } from "../plan/mod.ts";\nexport * from "../state/mod.ts";\n',
      },
      { path: "runner/cellar/a.ts", text: "\n" },
      {
        path: "schema/a.ts",
        text:
          '\nconst a = await import("../runner/base/mod.ts");\nimport "../tests/a.ts";\nimport "../deno.json";\n',
      },
      { path: "tests/a.ts", text: 'import "../runner/cli/mod.ts";\n' },
    ],
    faults: [
      "runner/plan/a.ts:1",
      "runner/linux/a.ts:2",
      "runner/cellar/a.ts:1",
      "schema/a.ts:2",
      "schema/a.ts:3",
    ],
  },
  {
    name: "mod.ts is the only door of a folder, except to tests",
    check: (tree) => tree.filter(isTypeScript).flatMap(doorFaults),
    planted: [
      {
        path: "runner/linux/a.ts",
        text: 'import "../sys/fd.ts";\nimport "../sys/mod.ts";\nimport "./b/c.ts";\n',
      },
      {
        path: "runner/plan/a/b.ts",
        text: 'import "../c.ts";\nimport "../d/mod.ts";\nimport "../d/e.ts";\nimport "./f.ts";\n',
      },
      { path: "runner/engine/a.ts", text: 'import "../plan/start/mod.ts";\nimport "../plan/start/a.ts";\n' },
      {
        path: "scripts/a.ts",
        text: 'import "../runner/base/error.ts";\nimport "./b.ts";\nimport "../runner/base/mod.ts";\n',
      },
      { path: "tests/a.ts", text: 'import "../runner/base/error.ts";\n' },
    ],
    faults: [
      "runner/linux/a.ts:1",
      "runner/linux/a.ts:3",
      "runner/plan/a/b.ts:3",
      "runner/engine/a.ts:2",
      "scripts/a.ts:1",
    ],
  },
  {
    name: `a folder holds at most ${MAX_FILES_PER_FOLDER} files of code`,
    check: crowdedFolders,
    planted: Array.from(
      { length: MAX_FILES_PER_FOLDER + 1 },
      (_, index) => ({ path: `runner/a/${index}.ts`, text: "" }),
    ),
    faults: ["runner/a:1"],
  },
  {
    name: "no file or folder has a name that says nothing",
    check: forbiddenNames,
    planted: [
      { path: "runner/a/utils.ts", text: "" },
      { path: "tests/helpers/a.ts", text: "" },
      { path: "runner/a/syscall_types.ts", text: "" },
    ],
    faults: ["runner/a/utils.ts:1", "tests/helpers/a.ts:1"],
  },
];
