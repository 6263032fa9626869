/** What to do next for a pod: its state, what facts do to it, and the decision. */
export * from "./first_start.ts";
export * from "./plan_pod.ts";
export * from "./pod_state.ts";
export * from "./restart.ts";
export * from "./status.ts";
export * from "./storage.ts";
export * from "./transitions.ts";
