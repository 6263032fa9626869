/** Eviction for what a pod wrote to disk. */
import { strictEqual } from "node:assert/strict";
import type { Container, PodSpec } from "../../../schema/kubernetes/mod.ts";
import { hasStorageLimits, storageExcess } from "../../../runner/plan/mod.ts";
import { podOf } from "./_pod.ts";

const limited = (name: string, limit?: string): Container => ({
  name,
  image: "host",
  ...(limit ? { resources: { limits: { "ephemeral-storage": limit } } } : {}),
});

function excess(
  spec: Partial<PodSpec>,
  containers: Record<string, number>,
  emptyDirs: Record<string, number> = {},
): string | undefined {
  const pod = podOf({});
  return storageExcess({ ...pod, spec: { ...pod.spec, ...spec } }, {
    containers: new Map(Object.entries(containers)),
    emptyDirs: new Map(Object.entries(emptyDirs)),
  });
}

Deno.test("storageExcess() is undefined at the limit and says whose it is above", () => {
  const spec = { containers: [limited("a", "1Ki"), limited("b")] };
  strictEqual(excess(spec, { a: 1024, b: 9999 }), undefined);
  strictEqual(excess(spec, { a: 1025 }), 'Container a exceeded its local ephemeral storage limit "1Ki". ');
});

Deno.test("storageExcess() bounds the sum where every container has a limit, volumes included", () => {
  const spec = { containers: [limited("a", "1Ki"), limited("b", "1Ki")] };
  strictEqual(excess(spec, { a: 1000, b: 1000 }, { v: 48 }), undefined);
  strictEqual(
    excess(spec, { a: 1000, b: 1000 }, { v: 49 }),
    "Pod ephemeral local storage usage exceeds the total limit of containers 2Ki. ",
  );
});

Deno.test("storageExcess() bounds an emptyDir on disk by its sizeLimit, and leaves one in memory to the kernel", () => {
  const disk = { volumes: [{ name: "v", emptyDir: { sizeLimit: "1Ki" } }] };
  strictEqual(excess(disk, {}, { v: 1025 }), 'Usage of EmptyDir volume "v" exceeds the limit "1Ki". ');
  const memory = { volumes: [{ name: "v", emptyDir: { medium: "Memory", sizeLimit: "1Ki" } }] };
  strictEqual(excess(memory, {}, { v: 1025 }), undefined);
});

Deno.test("hasStorageLimits() is true for a limit of a container, of the pod or of a volume on disk", () => {
  const has = (spec: Partial<PodSpec>): boolean => {
    const pod = podOf({});
    return hasStorageLimits({ ...pod, spec: { ...pod.spec, ...spec } });
  };
  strictEqual(has({}), false);
  strictEqual(has({ containers: [limited("a", "1Ki")] }), true);
  strictEqual(has({ initContainers: [limited("i", "1Ki")] }), true);
  strictEqual(has({ resources: { limits: { "ephemeral-storage": "1Ki" } } }), true);
  strictEqual(has({ volumes: [{ name: "v", emptyDir: { sizeLimit: "1Ki" } }] }), true);
  strictEqual(has({ volumes: [{ name: "v", emptyDir: { medium: "Memory", sizeLimit: "1Ki" } }] }), false);
});
