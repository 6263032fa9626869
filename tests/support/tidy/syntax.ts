import { lineAt, type TreeFile } from "./rule.ts";

/** What the rules ask of a TypeScript file, with the lines. */
export interface Syntax {
  /** Modules it imports or exports from. */
  imports: { specifier: string; line: number }[];
  /** Functions, methods and arrow functions. */
  functions: { line: number; lines: number }[];
  /** What waits: `await`, `for await`, `async`. */
  waits: { line: number }[];
  /** Names and members used as values, spelt as written: `Deno.env`, `x.dlopen`. */
  mentions: { text: string; line: number }[];
  /** `new Name(...)`, with the number of arguments. */
  constructions: { name: string; arguments: number; line: number }[];
  /** Declarations that are exported where they stand. */
  exports: { documented: boolean; line: number }[];
  /** Properties that are given the value `true`. */
  trueProperties: { name: string; line: number }[];
}

const known = new WeakMap<TreeFile, Syntax>();

/** The syntax of a file, as Deno's own parser sees it; works only under `deno test`. */
export function syntaxOf(file: TreeFile): Syntax {
  const before = known.get(file);
  if (before !== undefined) return before;
  const syntax: Syntax = {
    imports: [],
    functions: [],
    waits: [],
    mentions: [],
    constructions: [],
    exports: [],
    trueProperties: [],
  };
  const rule: Deno.lint.Rule = { create: (context) => visitor(file, syntax, context) };
  Deno.lint.runPlugin({ name: "tidy", rules: { syntax: rule } }, `/${file.path}`, file.text);
  known.set(file, syntax);
  return syntax;
}

function visitor(file: TreeFile, syntax: Syntax, context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const lineOf = (node: Deno.lint.Node) => lineAt(file.text, node.range[0]);
  const importFrom = (node: Deno.lint.Node, source: Deno.lint.StringLiteral | null) => {
    if (source !== null) syntax.imports.push({ specifier: source.value, line: lineOf(node) });
  };
  const enter = (
    node: Deno.lint.ArrowFunctionExpression | Deno.lint.FunctionDeclaration | Deno.lint.FunctionExpression,
  ) => {
    const line = lineOf(node);
    syntax.functions.push({ line, lines: lineAt(file.text, node.range[1]) - line + 1 });
    if (node.async) syntax.waits.push({ line });
  };
  return {
    ImportDeclaration: (node) => importFrom(node, node.source),
    ExportAllDeclaration: (node) => importFrom(node, node.source),
    ExportNamedDeclaration(node) {
      importFrom(node, node.source);
      if (node.declaration === null) return;
      const comment = context.sourceCode.getCommentsBefore(node).at(-1);
      const documented = comment?.type === "Block" && comment.value.startsWith("*");
      syntax.exports.push({ documented, line: lineOf(node) });
    },
    ImportExpression(node) {
      if (node.source.type === "Literal" && typeof node.source.value === "string") {
        syntax.imports.push({ specifier: node.source.value, line: lineOf(node) });
      }
    },
    FunctionDeclaration: enter,
    FunctionExpression: enter,
    ArrowFunctionExpression: enter,
    AwaitExpression: (node) => void syntax.waits.push({ line: lineOf(node) }),
    ForOfStatement(node) {
      if (node.await) syntax.waits.push({ line: lineOf(node) });
    },
    MemberExpression: (node) =>
      void syntax.mentions.push({ text: context.sourceCode.getText(node), line: lineOf(node) }),
    CallExpression(node) {
      if (node.callee.type === "Identifier") {
        syntax.mentions.push({ text: node.callee.name, line: lineOf(node) });
      }
    },
    NewExpression(node) {
      const name = context.sourceCode.getText(node.callee);
      syntax.constructions.push({ name, arguments: node.arguments.length, line: lineOf(node) });
    },
    Property(node) {
      if (context.sourceCode.getText(node.value) !== "true") return;
      syntax.trueProperties.push({ name: context.sourceCode.getText(node.key), line: lineOf(node) });
    },
  };
}
