import assert from "node:assert/strict";
import {
  oomScoreAdj,
  type PodSpecNeeds,
  qosClass,
  type ResourceNeeds,
} from "../../../runner/plan/resources/mod.ts";

const GIB = 2 ** 30;
const EQUAL = { requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "1", memory: "1Gi" } };

function spec(...resources: (ResourceNeeds | undefined)[]): PodSpecNeeds {
  return { containers: resources.map((r, i) => ({ name: `c${i}`, ...(r && { resources: r }) })) };
}

Deno.test("qosClass() is Guaranteed only when every container limits both and asks for as much", () => {
  assert.equal(qosClass(spec(EQUAL)), "Guaranteed");
  assert.equal(qosClass(spec({ limits: EQUAL.limits })), "Guaranteed", "a request defaults to its limit");
  assert.equal(
    qosClass(spec({ limits: { cpu: "1000m", memory: "1024Mi" }, requests: EQUAL.requests })),
    "Guaranteed",
  );
  assert.equal(qosClass(spec(EQUAL, undefined)), "Burstable");
  assert.equal(qosClass(spec({ ...EQUAL, requests: { cpu: "500m", memory: "1Gi" } })), "Burstable");
  assert.equal(qosClass({ ...spec(EQUAL), initContainers: [{ name: "i" }] }), "Burstable");
});

Deno.test("qosClass() counts neither zeros nor resources other than cpu and memory", () => {
  assert.equal(qosClass(spec(undefined)), "BestEffort");
  assert.equal(qosClass(spec({ requests: { cpu: "0" }, limits: { memory: "0" } })), "BestEffort");
  assert.equal(
    qosClass(spec({ limits: { "hugepages-2Mi": "4Mi", "ephemeral-storage": "1Gi" } })),
    "BestEffort",
  );
  assert.equal(qosClass(spec({ requests: { memory: "1Mi" } })), "Burstable");
});

Deno.test("qosClass() looks at spec.resources alone where it is set", () => {
  const containers = spec({ requests: { cpu: "100m" } }).containers;
  assert.equal(qosClass({ containers, resources: EQUAL }), "Guaranteed");
  assert.equal(
    qosClass({ containers: spec(EQUAL).containers, resources: { requests: { cpu: "2" } } }),
    "Burstable",
  );
  assert.equal(
    qosClass({ containers, resources: { limits: EQUAL.limits } }),
    "Burstable",
    "the pod's cpu request defaults to what its containers ask",
  );
  assert.equal(
    qosClass({ containers: spec(undefined).containers, resources: { limits: EQUAL.limits } }),
    "Guaranteed",
  );
});

Deno.test("oomScoreAdj() follows Kubernetes' table for the classes", () => {
  const adj = (s: PodSpecNeeds) => oomScoreAdj(s, s.containers[0]!, 4 * GIB);
  assert.equal(adj(spec(EQUAL)), -997);
  assert.equal(adj(spec(undefined)), 1000);
  assert.equal(adj(spec({ requests: { memory: "1Gi" } })), 750);
  assert.equal(
    adj(spec({ requests: { memory: "4Gi" } })),
    3,
    "never below a Guaranteed pod that uses everything",
  );
  assert.equal(adj(spec({ requests: { cpu: "1" } })), 999, "never as bad as BestEffort");
  assert.equal(adj({ ...spec(undefined), priorityClassName: "system-node-critical" }), -997);
});

Deno.test("oomScoreAdj() protects a sidecar as much as the least container that it serves", () => {
  const sidecar = { name: "s", restartPolicy: "Always", resources: { requests: { memory: "1Mi" } } };
  const pod = {
    ...spec({ requests: { memory: "1Gi" } }, { requests: { memory: "2Gi" } }),
    initContainers: [sidecar],
  };
  assert.equal(oomScoreAdj(pod, sidecar, 4 * GIB), 750);
  const init = { ...sidecar, restartPolicy: "Never" };
  assert.equal(oomScoreAdj({ ...pod, initContainers: [init] }, init, 4 * GIB), 999);
});

Deno.test("oomScoreAdj() shares the pod's unclaimed memory request among its containers", () => {
  const pod = {
    ...spec({ requests: { memory: "1Gi" } }, undefined),
    resources: { requests: { memory: "2Gi" } },
  };
  assert.equal(oomScoreAdj(pod, pod.containers[0]!, 4 * GIB), 1000 - 375);
  assert.equal(oomScoreAdj(pod, pod.containers[1]!, 4 * GIB), 1000 - 125);
});
