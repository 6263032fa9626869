/** Whether this test may make cgroups. */
export function isRoot(): boolean {
  return Deno.uid() === 0;
}

/** A name for a parent cgroup that nobody else has. */
export function randomParent(): string {
  return `seedpod-test-${crypto.randomUUID().slice(0, 8)}`;
}
