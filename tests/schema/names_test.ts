import assert from "node:assert/strict";
import {
  configKeyFault,
  dnsLabelFault,
  dnsSubdomainFault,
  envNameFault,
  isIPv4,
  isIPv6,
  labelValueFault,
  portNameFault,
  qualifiedNameFault,
} from "../../schema/kubernetes/mod.ts";

function verdicts(check: (text: string) => string | undefined, good: string[], bad: string[]): void {
  for (const text of good) assert.equal(check(text), undefined, JSON.stringify(text));
  for (const text of bad) assert.notEqual(check(text), undefined, JSON.stringify(text));
}

Deno.test("the name rules are Kubernetes' name rules", () => {
  verdicts(dnsLabelFault, ["a", "a-1", "1", "a".repeat(63)], [
    "",
    "A",
    "a.b",
    "-a",
    "a-",
    "a_b",
    "a".repeat(64),
    "a\n",
  ]);
  verdicts(dnsSubdomainFault, ["a.b", "a-1.b2"], ["a..b", ".a", "a.", "a.-b", "a".repeat(254)]);
  verdicts(qualifiedNameFault, ["a", "A_b.c", "x.y/Name"], ["", "/a", "a/", "a/b/c", "x_y/a", "a b", "-a"]);
  verdicts(labelValueFault, ["", "a", "A.b_c-1"], ["a b", "-a", "a".repeat(64)]);
  verdicts(configKeyFault, ["a", "A.b_c-d", ".a", "__proto__"], [
    "",
    ".",
    "..",
    "..a",
    "a/b",
    "a".repeat(254),
  ]);
  verdicts(envNameFault, ["A", "a-b", "1", "a b"], ["", "A=B", "é", "a\0"]);
  verdicts(portNameFault, ["http", "a-1", "8080-a"], ["", "HTTP", "80", "a--b", "-a", "a".repeat(16)]);
});

Deno.test("isIPv4() and isIPv6() take addresses and nothing else", () => {
  for (const text of ["0.0.0.0", "255.255.255.255", "127.0.0.1"]) assert.ok(isIPv4(text), text);
  for (const text of ["", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.5", " 1.2.3.4"]) {
    assert.ok(!isIPv4(text), text);
  }
  for (const text of ["::", "::1", "fe80::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1::"]) {
    assert.ok(isIPv6(text), text);
  }
  for (
    const text of [
      "",
      ":",
      "1:2:3",
      ":::",
      "1::2::3",
      "12345::",
      "1:2:3:4:5:6:7:8:9",
      "fe80::1%eth0",
      "1.2.3.4",
    ]
  ) {
    assert.ok(!isIPv6(text), text);
  }
});
