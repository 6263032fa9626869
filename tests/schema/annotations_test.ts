import assert from "node:assert/strict";
import { cgroupAnnotations, parseTimeOffset, type Pod } from "../../schema/mod.ts";

Deno.test("parseTimeOffset() reads seconds and durations, rounded down to whole seconds", () => {
  assert.deepEqual(parseTimeOffset("3600"), { seconds: 3600, nanoseconds: 0 });
  assert.deepEqual(parseTimeOffset("-1.5"), { seconds: -2, nanoseconds: 500_000_000 });
  assert.deepEqual(parseTimeOffset("24h"), { seconds: 86400, nanoseconds: 0 });
  assert.deepEqual(parseTimeOffset("-1h30m0.5s"), { seconds: -5401, nanoseconds: 500_000_000 });
  assert.deepEqual(parseTimeOffset("+1ms"), { seconds: 0, nanoseconds: 1_000_000 });
  for (
    const text of ["", "-", "h", "1d", "1 h", "1e3", "--1", "0x1", "1h-1m", "99999999999h", "1".repeat(1000)]
  ) {
    assert.equal(parseTimeOffset(text), undefined, text.slice(0, 20));
  }
});

Deno.test("cgroupAnnotations() tells the pod's files from a container's", () => {
  const annotations = {
    "cgroup.seedpod.dev/io.max": "8:0 rbps=1",
    "web.cgroup.seedpod.dev/cpuset.cpus": "0",
    "cgroup.seedpod.device/x": "no",
    "example.com/io.max": "no",
    plain: "no",
  };
  const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a", annotations } };
  assert.deepEqual(cgroupAnnotations(pod).map(({ container, file, value }) => [container, file, value]), [
    [undefined, "io.max", "8:0 rbps=1"],
    ["web", "cpuset.cpus", "0"],
  ]);
});
