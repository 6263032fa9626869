import { podTest, type TestRoot } from "../support/pods.ts";
const t = async (label: string, f: () => Promise<unknown>) => { const s = performance.now(); await f(); console.log(label, Math.round(performance.now() - s)); };
const y = `
apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  containers:
  - {name: a, image: host, command: [sleep, "1000"]}
`;
await t("deno eval", () => new Deno.Command(Deno.execPath(), {args: ["eval", "1"]}).output());
await t("deno eval", () => new Deno.Command(Deno.execPath(), {args: ["eval", "1"]}).output());
podTest("first", async (root) => {
  await t("help", () => root.run(["--help"]));
  await t("help", () => root.run(["--help"]));
  await t("get", () => root.run(["get", "pods"]));
  await t("get", () => root.run(["get", "pods"]));
  await t("up", () => root.up(y));
  await t("get", () => root.run(["get", "pods"]));
  await t("exec", () => root.sh("two", "a", "true"));
  await t("exec", () => root.sh("two", "a", "true"));
  await t("down", () => root.run(["down", "--all", "--grace-period", "0"]));
});
podTest("second", async (root) => {
  await t("up", () => root.up(y));
  await t("down", () => root.run(["down", "--all", "--grace-period", "0"]));
});
