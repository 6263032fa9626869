import {
  type Arch,
  errnoNumber,
  type FlagName,
  flagValue,
  type SyscallName,
  syscallNumber,
} from "../base/mod.ts";
import { addressOf, keepAlive, lastErrno, libc } from "./libc.ts";
import { SysError } from "./error.ts";

/** This machine's architecture. */
export const HOST_ARCH: Arch = Deno.build.arch;

const EINTR = errnoNumber("EINTR");
const EAGAIN = errnoNumber("EAGAIN");

/** A number, or the bytes whose address is meant. */
export type RawArg = number | Uint8Array;

/** One system call by number; gives the result, or minus the errno. Retries nothing. */
export function rawSyscall(nr: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
  const result = libc.syscall(nr, a, b, c, d, e, f);
  return result === -1 ? -lastErrno() : result;
}

/** One system call by name, retried on EINTR; gives the result, or minus the errno. */
export function trySyscall(name: SyscallName, ...args: RawArg[]): number {
  const [a, b, c, d, e, f] = args.map((arg) => typeof arg === "number" ? arg : addressOf(arg));
  const nr = syscallNumber(name, HOST_ARCH);
  for (;;) {
    const result = rawSyscall(nr, a, b, c, d, e, f);
    keepAlive(args);
    if (result !== -EINTR) return result;
  }
}

/** As {@linkcode trySyscall}, but an error is thrown as a SysError; `what` completes `Cannot …`. */
export function syscall(what: string, name: SyscallName, ...args: RawArg[]): number {
  const result = trySyscall(name, ...args);
  if (result < 0) throw new SysError(what, -result);
  return result;
}

/** The value of kernel constants on this machine. */
export function flag(...names: FlagName[]): number {
  return flagValue(names, HOST_ARCH);
}

/** A NUL-terminated string. */
export function cString(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(value + "\0");
}

/** Whether a result of {@linkcode trySyscall} says "not now". */
export function wouldBlock(result: number): boolean {
  return result === -EAGAIN;
}
