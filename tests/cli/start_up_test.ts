import { deepStrictEqual } from "node:assert/strict";

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly code?: { readonly specifier?: string };
    readonly isDynamic?: boolean;
  }[];
}

/** Every module that is loaded with this one before anything of it runs. */
async function loadedWith(path: string): Promise<string[]> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--config", new URL("../../deno.json", import.meta.url).pathname, path],
  });
  const { modules, roots } = JSON.parse(new TextDecoder().decode((await command.output()).stdout)) as {
    modules: Module[];
    roots: string[];
  };
  const byName = new Map(modules.map((module) => [module.specifier, module]));
  const found = new Set(roots);
  for (const name of found) {
    for (const { code, isDynamic } of byName.get(name)?.dependencies ?? []) {
      if (code?.specifier && !isDynamic) found.add(code.specifier);
    }
  }
  return [...found];
}

const fileOf = (path: string): string => new URL(`../../${path}`, import.meta.url).pathname;

Deno.test("the help loads nothing but the words of the command line", async () => {
  const loaded = await loadedWith(fileOf("runner/main.ts"));
  const others = loaded.filter((name) => !/\/runner\/(main\.ts|base\/|cli\/)/.test(name));
  deepStrictEqual(others, []);
});

Deno.test("a command that only reads loads neither the manifest language nor node's sockets and hashes", async () => {
  const loaded = await loadedWith(fileOf("runner/cli/run/mod.ts"));
  const heavy = loaded.filter((name) => /\/schema\/(source|structure|rules)\/|^npm:|^node:/.test(name));
  deepStrictEqual(heavy, []);
});
