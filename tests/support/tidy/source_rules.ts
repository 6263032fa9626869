import { type Fault, isCode, isTypeScript, lineAt, type Rule, type TreeFile } from "./rule.ts";
import { syntaxOf } from "./syntax.ts";

const MAX_FUNCTION_LINES = 70;
const MAX_FILE_LINES = 400;
/** infra is one file by design: its size bounds what PID 1 of a pod can do wrong. */
const MAX_C_FILE_LINES = 600;

const PURE = /^(schema|runner\/plan)\//;
const SYSTEM_MODULE = /^node:(fs|child_process|net|os|process|http|https|worker_threads|timers)\b/;
const IMPURE =
  /^(Deno\.|Date\.now|Math\.random|performance\.|crypto\.|process\.|fetch$|setTimeout$|setInterval$)/;

/** The faults in a file's syntax that a test on each item finds. */
function faultsAt<Item extends { line: number }>(
  file: TreeFile,
  items: readonly Item[],
  message: (item: Item) => string | undefined,
): Fault[] {
  return items.flatMap((item) => {
    const text = message(item);
    return text === undefined ? [] : [{ path: file.path, line: item.line, message: text }];
  });
}

function impurities(file: TreeFile): Fault[] {
  const { waits, mentions, constructions, imports } = syntaxOf(file);
  return [
    ...faultsAt(file, waits, () => "it waits"),
    ...faultsAt(file, mentions, ({ text }) => IMPURE.test(text) ? `it says ${text}` : undefined),
    ...faultsAt(
      file,
      constructions,
      (made) => made.name === "Date" && made.arguments === 0 ? "it reads the clock" : undefined,
    ),
    ...faultsAt(
      file,
      imports,
      ({ specifier }) => SYSTEM_MODULE.test(specifier) ? `it imports ${specifier}` : undefined,
    ),
  ];
}

/** The functions of a C file in the kernel's style: the body ends with a brace in the first column. */
function functionsOfC(text: string): { line: number; lines: number }[] {
  return [...text.matchAll(/^\w[^;{}]*\)\s*(?:__attribute__\S*\s*)?\{\n.*?^\}/gms)].map((match) => ({
    line: lineAt(text, match.index),
    lines: match[0].split("\n").length,
  }));
}

const isC = (file: { readonly path: string }): boolean => /\.[ch]$/.test(file.path);

function longFunctions(file: TreeFile): Fault[] {
  const functions = isC(file) ? functionsOfC(file.text) : syntaxOf(file).functions;
  return faultsAt(
    file,
    functions,
    ({ lines }) => lines > MAX_FUNCTION_LINES ? `a function of ${lines} lines` : undefined,
  );
}

function longFiles(file: TreeFile): Fault[] {
  const lines = file.text.trimEnd().split("\n").length;
  const most = isC(file) ? MAX_C_FILE_LINES : MAX_FILE_LINES;
  return lines > most ? [{ path: file.path, line: most + 1, message: `${lines} lines, above ${most}` }] : [];
}

function testSelections(file: TreeFile): Fault[] {
  const { mentions, trueProperties } = syntaxOf(file);
  return [
    ...faultsAt(
      file,
      mentions,
      ({ text }) => /^Deno\.test\.only\b/.test(text) ? "Deno.test.only" : undefined,
    ),
    ...faultsAt(file, trueProperties, ({ name }) => name === "only" ? "only: true" : undefined),
  ];
}

/** A rule on each TypeScript file whose path passes. */
function onFiles(where: (path: string) => boolean, faultsOf: (file: TreeFile) => Fault[]): Rule["check"] {
  return (tree) => tree.filter((file) => isTypeScript(file) && where(file.path)).flatMap(faultsOf);
}

function onMentions(where: (path: string) => boolean, pattern: RegExp): Rule["check"] {
  return onFiles(
    where,
    (file) =>
      faultsAt(
        file,
        syntaxOf(file).mentions,
        ({ text }) => pattern.test(text) ? `it says ${text}` : undefined,
      ),
  );
}

const LONG_FUNCTION = `function long() {\n${"  go();\n".repeat(MAX_FUNCTION_LINES - 1)}}\n`;

/** The rules about what may stand in a source file. */
export const sourceRules: readonly Rule[] = [
  {
    name: "schema/ and runner/plan/ neither wait nor ask the machine, the clock or chance",
    check: onFiles((path) => PURE.test(path), impurities),
    planted: [
      {
        path: "schema/a.ts",
        text:
          'import "node:fs";\nDeno.pid;\nDate.now();\nMath.random();\nperformance.now();\nnew Date();\nnew Date(0);\n' +
          "async () => {};\nawait 1;\n// Deno.pid\nfetch('');\n",
      },
      { path: "runner/sys/a.ts", text: "Deno.pid;\n" },
    ],
    faults: [8, 9, 2, 3, 4, 5, 11, 6, 1].map((line) => `schema/a.ts:${line}`),
  },
  {
    name: "dlopen occurs in runner/sys/ only",
    check: onMentions((path) => !path.startsWith("runner/sys/"), /\bdlopen$/),
    planted: [
      { path: "runner/linux/a.ts", text: '\nDeno.dlopen("libc.so.6", {});\n' },
      { path: "runner/sys/a.ts", text: 'Deno.dlopen("libc.so.6", {});\n' },
    ],
    faults: ["runner/linux/a.ts:2"],
  },
  {
    name: "only runner/cli/ and scripts/ write to the console",
    check: onMentions((path) => !/^(runner\/cli|scripts)\//.test(path), /^console\./),
    planted: [
      { path: "runner/engine/a.ts", text: '\nconsole.log("");\n' },
      { path: "runner/cli/a.ts", text: 'console.log("");\n' },
    ],
    faults: ["runner/engine/a.ts:2"],
  },
  {
    name: "no test is singled out",
    check: onFiles((path) => path.startsWith("tests/"), testSelections),
    planted: [{
      path: "tests/a_test.ts",
      text: 'Deno.test.only("", () => {});\nDeno.test({ only: true });\n',
    }],
    faults: ["tests/a_test.ts:1", "tests/a_test.ts:2"],
  },
  {
    name: "every exported symbol of runner/ and schema/ has JSDoc",
    check: onFiles(
      (path) => /^(runner|schema)\//.test(path) || path === "mod.ts",
      (file) =>
        faultsAt(file, syntaxOf(file).exports, (it) => it.documented ? undefined : "an export without JSDoc"),
    ),
    planted: [
      {
        path: "runner/a/b.ts",
        text:
          "/** Said. */\nexport const a = 1;\n// not JSDoc\nexport function f() {}\nexport type T = 1;\nexport { f };\n",
      },
      { path: "tests/a.ts", text: "export const a = 1;\n" },
    ],
    faults: ["runner/a/b.ts:4", "runner/a/b.ts:5"],
  },
  {
    name: `a function has at most ${MAX_FUNCTION_LINES} lines`,
    check: (tree) => tree.filter(isCode).flatMap(longFunctions),
    planted: [
      { path: "runner/a/b.ts", text: `const a = {\n  m() {${"\n".repeat(MAX_FUNCTION_LINES)}}\n};\n` },
      {
        path: "runner/a/c.c",
        text: `static int\nlong_one(int a)\n{\n${"\tgo();\n".repeat(MAX_FUNCTION_LINES)}}\n`,
      },
      { path: "runner/a/d.c", text: `int f(void) {\n}\n${LONG_FUNCTION.replace("function", "static int")}` },
      { path: "runner/a/short.ts", text: LONG_FUNCTION.replace("  go();\n", "") },
    ],
    faults: ["runner/a/b.ts:2", "runner/a/c.c:1", "runner/a/d.c:3"],
  },
  {
    name: `a file has at most ${MAX_FILE_LINES} lines, in C ${MAX_C_FILE_LINES}`,
    check: (tree) => tree.filter(isCode).flatMap(longFiles),
    planted: [
      { path: "runner/a/b.ts", text: "\n".repeat(MAX_FILE_LINES) + "1;\n" },
      { path: "runner/a/c.c", text: "\n".repeat(MAX_C_FILE_LINES) + "int a;\n" },
      { path: "runner/a/d.c", text: "\n".repeat(MAX_FILE_LINES) + "int a;\n" },
    ],
    faults: [`runner/a/b.ts:${MAX_FILE_LINES + 1}`, `runner/a/c.c:${MAX_C_FILE_LINES + 1}`],
  },
];
