import { ok, strictEqual } from "node:assert/strict";
import { ProgramBuilder } from "../../../runner/plan/mod.ts";
import { addProcess, type ProcessSettings } from "../../../runner/plan/start/process.ts";

const settings: ProcessSettings = {
  argv: ["/bin/true"],
  env: [],
  identity: { uid: 1000, gid: 1000, groups: [], home: "/" },
  capabilities: { effective: 0n, permitted: 0n, bounding: 0n },
  noNewPrivileges: true,
  seccomp: undefined,
  seccompFlags: 0,
  from: ["spec", "containers", 0],
};

/** The names of the calls, with the flag of a prctl. */
function calls(endsWithInfra: boolean): string[] {
  const builder = new ProgramBuilder();
  addProcess(builder, settings, 40, endsWithInfra);
  return builder.build().steps.map(({ action }) => {
    if (!("call" in action)) return "";
    const [first] = action.args;
    return action.call === "prctl" && first?.kind === "flags" ? first.names.join() : action.call;
  });
}

Deno.test("addProcess() asks for its end with infra after every change that would take it back", () => {
  const made = calls(true);
  const asked = made.indexOf("PR_SET_PDEATHSIG");
  ok(asked > made.indexOf("setresuid"));
  ok(asked > made.indexOf("setresgid"));
  ok(asked > made.indexOf("capset"));
  strictEqual(calls(false).includes("PR_SET_PDEATHSIG"), false);
});
