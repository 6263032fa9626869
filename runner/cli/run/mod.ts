/** The commands that drive the engine: up, down, serve, exec, plan. */
export { openCommandEngine } from "./command_engine.ts";
