import assert from "node:assert/strict";
import { generateSchema } from "../../scripts/gen_schema.ts";

Deno.test("the generated files are what scripts/gen_schema.ts generates", async () => {
  for (const [path, text] of Object.entries(await generateSchema())) {
    const committed = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
    assert.ok(committed === text, `${path} has drifted; run scripts/gen_schema.ts`);
  }
});

Deno.test("the JSON schema holds every kind of Kubernetes, each closed to unknown fields", async () => {
  const { "schema/structure/json_schema.gen.json": text } = await generateSchema();
  const { kinds, definitions } = JSON.parse(text!);
  for (
    const kind of [
      "v1/Pod",
      "apps/v1/Deployment",
      "batch/v1/CronJob",
      "networking.k8s.io/v1/Ingress",
      "v1/Node",
    ]
  ) {
    assert.equal(definitions[kinds[kind]].additionalProperties, false, kind);
    assert.ok(definitions[kinds[kind]].required.includes("kind"), kind);
  }
  assert.ok(Object.keys(kinds).length > 100);
  assert.deepEqual(definitions.PodSpec.required, ["containers"]);
  assert.deepEqual(definitions.HTTPGetAction.properties.port.type, ["integer", "string"]);
  assert.equal(definitions.ResourceRequirements.properties.limits.additionalProperties.format, "quantity");
});
