/** The rules that hold the house together; tests/tidy_test.ts runs them. */
export { houseRules } from "./house_rules.ts";
export { type Fault, readTree, type Rule, type TreeFile } from "./rule.ts";
export { sourceRules } from "./source_rules.ts";
export { textRules } from "./text_rules.ts";
