/** Layer 1: FFI on libc. The only folder that says `dlopen`. */
export * from "./error.ts";
export * from "./fd.ts";
export { addressOf } from "./libc.ts";
export * from "./process.ts";
export * from "./socket.ts";
export * from "./syscall.ts";
export * from "./terminal.ts";
