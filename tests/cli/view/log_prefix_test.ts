import assert from "node:assert/strict";
import { logPrefix, logPrefixWidth, renderLogLines } from "../../../runner/cli/view/mod.ts";

Deno.test("logPrefix() aligns the names of all containers", () => {
  const width = logPrefixWidth(["web/server", "web/log"]);
  assert.equal(logPrefix("web", "log", { color: false, width }), "web/log    | ");
  assert.equal(logPrefix("web", "server", { color: false, width }), "web/server | ");
});

Deno.test("logPrefix() gives a container the same colour every time, and others another", () => {
  const prefix = (name: string) => logPrefix("web", name, { color: true, width: 0 });
  assert.equal(prefix("server"), prefix("server"));
  const colors = new Set(["a", "b", "c", "d", "e"].map((name) => prefix(name).slice(0, 5)));
  assert.ok(colors.size > 1);
});

Deno.test("renderLogLines() puts prefix and time before bytes that need not be text", () => {
  const line = { time: "2026-03-01T12:00:00.000000001Z", text: new Uint8Array([0xff, 0x00]) };
  const bytes = renderLogLines(
    [{ source: "a", line }, { source: "b", line: { time: "", text: new Uint8Array() } }],
    (s) => `${s}| `,
    true,
  );
  assert.equal(new TextDecoder("latin1").decode(bytes), "a| 2026-03-01T12:00:00.000000001Z \xff\x00\nb| \n");
});
