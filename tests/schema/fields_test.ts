import assert from "node:assert/strict";
import { fieldAt, fieldTable } from "../../schema/mod.ts";
import { CONTAINER_ROWS } from "../../schema/fields/container_rows.ts";
import { OBJECT_ROWS } from "../../schema/fields/object_rows.ts";
import { POD_ROWS } from "../../schema/fields/pod_rows.ts";
import { VOLUME_ROWS } from "../../schema/fields/volume_rows.ts";

const SCHEMA = new URL("../../schema/structure/json_schema.gen.json", import.meta.url);
const ROWS = [...OBJECT_ROWS, ...POD_ROWS, ...CONTAINER_ROWS, ...VOLUME_ROWS];

Deno.test("every row is of a field that Kubernetes has, and no field has two", () => {
  const { definitions } = JSON.parse(Deno.readTextFileSync(SCHEMA));
  for (const { key } of ROWS) {
    const [definition, field] = key.split(".") as [string, string];
    assert.ok(definitions[definition]?.properties?.[field], key);
  }
  assert.equal(new Set(ROWS.map(({ key }) => key)).size, ROWS.length);
});

Deno.test("fieldTable() has every field of Pod, supported or not, with its type and landing", () => {
  const table = new Map(fieldTable().filter(({ kind }) => kind === "Pod").map((row) => [row.path, row]));
  const row = (path: string) => {
    const { type, landing, support } = table.get(path)!;
    return [type, landing, support];
  };
  assert.deepEqual(row("spec.containers[].image"), ["string", "restart", "supported"]);
  assert.deepEqual(row("spec.initContainers[].image"), ["string", "recreate", "supported"]);
  assert.deepEqual(row("spec.containers[].resources.limits"), ["map[string]quantity", "live", "supported"]);
  assert.deepEqual(row("spec.affinity"), ["Affinity", "recreate", "refused"]);
  assert.deepEqual(row("spec.volumes[].rbd"), ["RBDVolumeSource", "recreate", "refused"]);
  assert.deepEqual(row("metadata.uid"), ["string", "live", "dropped"]);
  assert.deepEqual(row("spec.dnsPolicy"), ["string", "recreate", "neutral"]);
});

Deno.test("fieldAt() finds the row of a path into an object, and of what is inside a map", () => {
  const path = (steps: (string | number)[]) => fieldAt("Pod", steps)?.path;
  assert.equal(path(["spec", "containers", 1, "env", 0, "value"]), "spec.containers[].env[].value");
  assert.equal(
    path(["spec", "containers", 1, "resources", "limits", "cpu"]),
    "spec.containers[].resources.limits",
  );
  assert.equal(path(["metadata", "labels", "app"]), "metadata.labels");
  assert.equal(fieldAt("Pod", ["spec", "initContainers", 0, "env"])?.landing, "recreate");
  assert.equal(fieldAt("Pod", ["nothing"]), undefined);
});
