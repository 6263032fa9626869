import assert from "node:assert/strict";
import fc from "fast-check";
import {
  addQuantities,
  compareQuantities,
  cpuMillis,
  formatQuantity,
  parseQuantity,
  quantityBytes,
} from "../../schema/kubernetes/mod.ts";

const canonical = (text: string) => {
  const quantity = parseQuantity(text);
  return quantity && formatQuantity(quantity);
};

Deno.test("formatQuantity() writes what Kubernetes writes", () => {
  const rows: [string, string][] = [
    ["0", "0"],
    ["100m", "100m"],
    ["1000m", "1"],
    ["1.5", "1500m"],
    ["0.5Gi", "512Mi"],
    ["1024Ki", "1Mi"],
    ["1.5Gi", "1536Mi"],
    ["1000Ki", "1000Ki"],
    ["0.5Ki", "512"],
    ["0.0005Ki", "512m"],
    ["1000000", "1M"],
    ["1e3", "1e3"],
    ["1E3", "1e3"],
    ["1E", "1E"],
    ["1500e-3", "1500e-3"],
    ["-1.5Gi", "-1536Mi"],
    ["+5", "5"],
    [".5", "500m"],
    ["5.", "5"],
    ["1.0001Ki", "1025"],
    ["0.1n", "1n"],
    ["8Ei", ""],
    ["7Ei", "7Ei"],
  ];
  for (const [text, expected] of rows) assert.equal(canonical(text) ?? "", expected, text);
});

Deno.test("parseQuantity() refuses what is no quantity", () => {
  const texts = [
    "",
    " ",
    "m",
    "1 Gi",
    "512MB",
    "1gb",
    "1K",
    "1mi",
    "0x10",
    "1_000",
    "1,5",
    "--1",
    "1e",
    "1e1.5",
    "Ki1",
    "1KiB",
    "NaN",
  ];
  for (const text of [...texts, "9".repeat(50), "1e999", "1".repeat(1_000_000)]) {
    assert.equal(parseQuantity(text), undefined, text.slice(0, 60));
  }
});

Deno.test("cpuMillis() and quantityBytes() round up", () => {
  assert.equal(cpuMillis("0.0001"), 1);
  assert.equal(cpuMillis("1.5"), 1500);
  assert.equal(cpuMillis("100m"), 100);
  assert.equal(quantityBytes("1.5Gi"), 1.5 * 1024 ** 3);
  assert.equal(quantityBytes("100m"), 1);
  assert.equal(quantityBytes("1G"), 1e9);
  assert.throws(() => quantityBytes("1GB"), RangeError);
});

const units = fc.constantFrom("", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E-2");
const quantities = fc
  .tuple(fc.integer({ min: -99999, max: 99999 }), fc.integer({ min: 0, max: 999 }), units)
  .map(([whole, fraction, unit]) => `${whole}.${String(fraction).padStart(3, "0")}${unit}`);

Deno.test("formatQuantity() is stable, and keeps the value or rounds it away from zero by less than one", () => {
  fc.assert(fc.property(quantities, (text) => {
    const before = parseQuantity(text)!;
    const written = formatQuantity(before);
    const after = parseQuantity(written)!;
    assert.equal(formatQuantity(after), written);
    const gain = after.nanos - before.nanos;
    const away = before.nanos < 0n ? -gain : gain;
    assert.ok(
      away >= 0n && away < (before.format === "BinarySI" ? 1_000_000_000n : 1n),
      `${text} became ${written}`,
    );
  }));
});

Deno.test("compareQuantities() and addQuantities() agree with the numbers", () => {
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 12n), 10n ** 12n), fc.bigInt(-(10n ** 12n), 10n ** 12n), (a, b) => {
      const [left, right] = [parseQuantity(`${a}m`)!, parseQuantity(`${b}m`)!];
      assert.equal(compareQuantities(left, right), a < b ? -1 : a > b ? 1 : 0);
      assert.equal(addQuantities(left, right).nanos, (a + b) * 1_000_000n);
    }),
  );
});
