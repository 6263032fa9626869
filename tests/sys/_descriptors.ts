import { strictEqual } from "node:assert/strict";

/** How many descriptors this process has open. */
export const descriptors = (): number => [...Deno.readDirSync("/proc/self/fd")].length;

/** A test that leaves no descriptor behind. */
export function leakTest(name: string, run: () => void | Promise<void>): void {
  Deno.test(name, async () => {
    const before = descriptors();
    await run();
    strictEqual(descriptors(), before, "descriptors are left open");
  });
}
