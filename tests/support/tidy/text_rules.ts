import { type Fault, faultsAtMatches, folderOf, isGenerated, type Rule, type TreeFile } from "./rule.ts";

// The words are put together here, so that this file does not break its own rules.
const UNFINISHED = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`, "g");
const OUTSIDE_NAMES = [
  "(?<![\\w.])/wo" + "rk/",
  "\\bissue" + " #?\\d+",
  "deb\\.deb" + "ian\\.org",
  "registry\\.npm" + "js\\.org",
];
const OUTSIDE = new RegExp(OUTSIDE_NAMES.join("|"), "g");
const MARKDOWN_LINK = /\]\(([^)\s]+)\)/g;

/** The anchor of a heading, as code hosts make it. */
function anchorOf(heading: string): string {
  return heading.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
}

function hasAnchor(file: TreeFile | undefined, anchor: string): boolean {
  const headings = [...(file?.text ?? "").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    anchorOf(heading)
  );
  return headings.includes(anchor);
}

function brokenLinks(tree: readonly TreeFile[]): Fault[] {
  const paths = new Set(tree.map((file) => file.path));
  for (const { path } of tree) {
    for (let folder = folderOf(path); folder !== ""; folder = folderOf(folder)) paths.add(folder);
  }
  const isBroken = (file: TreeFile, link: string) => {
    if (/^[a-z]+:/.test(link)) return false;
    const url = new URL(link, `file:///${file.path}`);
    const path = decodeURIComponent(url.pathname).slice(1).replace(/\/$/, "");
    if (!paths.has(path)) return true;
    return url.hash !== "" && !hasAnchor(tree.find((other) => other.path === path), url.hash.slice(1));
  };
  return tree.filter((file) => file.path.endsWith(".md")).flatMap((file) =>
    faultsAtMatches(file, MARKDOWN_LINK, (found) => found.slice(2, -1))
      .filter(({ message }) => isBroken(file, message))
      .map((fault) => ({ ...fault, message: `${fault.message} leads nowhere` }))
  );
}

function unshownExamples(tree: readonly TreeFile[]): Fault[] {
  const readme = tree.filter((file) => file.path === "README.md");
  const tests = tree.filter((file) => file.path.startsWith("tests/") && file.path.endsWith("_test.ts"));
  const examples = tree.filter((file) => /^examples\/.*\.ya?ml$/.test(file.path));
  const faults = (where: string, readers: readonly TreeFile[]) =>
    examples.filter((example) => !readers.some((reader) => reader.text.includes(example.path)))
      .map(({ path }) => ({ path, line: 1, message: `${where} does not name it` }));
  return [...faults("README.md", readme), ...faults("a test", tests)];
}

function onLines(pattern: RegExp, message: (found: string) => string): Rule["check"] {
  return (tree) =>
    tree.filter((file) => !isGenerated(file)).flatMap((file) => faultsAtMatches(file, pattern, message));
}

/** The rules about words, whatever the language. */
export const textRules: readonly Rule[] = [
  {
    name: "nothing is left unfinished",
    check: onLines(UNFINISHED, (found) => `it says ${found}`),
    planted: [
      { path: "a.ts", text: `1;\n// TO${"DO"} later\n` },
      { path: "b.c", text: `/* X${"XX"} */ char name[] = "aXXXXXX";\n` },
    ],
    faults: ["a.ts:2", "b.c:1"],
  },
  {
    name: "the tree speaks of seedpod alone",
    check: onLines(OUTSIDE, (found) => `it names "${found}"`),
    planted: [
      { path: "a.ts", text: `1;\n// see iss${"ue"} 7\n` },
      { path: "b.md", text: `in /wo${"rk"}/place but not in /upper/work/ nor lower/work/\n` },
    ],
    faults: ["a.ts:2", "b.md:1"],
  },
  {
    name: "the links of the documents lead somewhere",
    check: brokenLinks,
    planted: [
      {
        path: "docs/a.md",
        text:
          "[up](../b.md) [gone](gone.md) [out](https://example.com)\n\n[none](#nothing)\n[folder](../docs)\n",
      },
      { path: "b.md", text: "# The `way` of a pod\n[here](#the-way-of-a-pod) [there](docs/a.md#way)\n" },
    ],
    faults: ["docs/a.md:1", "docs/a.md:3", "b.md:2"],
  },
  {
    name: "every example is shown in README.md and run by a test",
    check: unshownExamples,
    planted: [
      { path: "README.md", text: "examples/shown.yaml examples/both.yaml" },
      { path: "tests/a_test.ts", text: '"examples/run.yaml"; "examples/both.yaml";' },
      { path: "examples/shown.yaml", text: "" },
      { path: "examples/run.yaml", text: "" },
      { path: "examples/both.yaml", text: "" },
    ],
    faults: ["examples/run.yaml:1", "examples/shown.yaml:1"],
  },
];
