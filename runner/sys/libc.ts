/**
 * The one place that says `dlopen`. Nearly everything goes through `syscall(2)`, so that the daemon's programs and the
 * wrappers of this folder share one door; `posix_spawn(3)` is libc's, since forking a multi-threaded process by hand is
 * not safe.
 */
const SYMBOLS = {
  // long syscall(long number, ...); results that matter here fit in 32 bits
  syscall: { parameters: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], result: "i32" },
  // the same, on a thread of the pool: the caller's errno is lost, so it serves calls whose only error is a time-out
  syscall_blocking: {
    name: "syscall",
    parameters: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"],
    result: "i32",
    nonblocking: true,
  },
  // int *__errno_location(void)
  __errno_location: { parameters: [], result: "pointer" },
  // int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const argv[], char *const envp[])
  posix_spawn: { parameters: ["buffer", "buffer", "buffer", "pointer", "buffer", "buffer"], result: "i32" },
  // int posix_spawn_file_actions_init(posix_spawn_file_actions_t *)
  posix_spawn_file_actions_init: { parameters: ["buffer"], result: "i32" },
  // int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *, int fildes, int newfildes)
  posix_spawn_file_actions_adddup2: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  // int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *)
  posix_spawn_file_actions_destroy: { parameters: ["buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Number7 = [number, number, number, number, number, number, number];
type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/**
 * libc's functions. Deno's types ask for a bigint wherever a C parameter has 64 bits, its run time takes numbers as well,
 * several times faster; addresses of user space and lengths are exact as numbers.
 */
export const libc = Deno.dlopen("libc.so.6", SYMBOLS).symbols as unknown as
  & Omit<Symbols, "syscall" | "syscall_blocking">
  & { syscall(...args: Number7): number; syscall_blocking(...args: Number7): Promise<number> };

const errnoPlace = new Deno.UnsafePointerView(libc.__errno_location()!);

/** errno of the last synchronous call of this thread. */
export function lastErrno(): number {
  return errnoPlace.getInt32();
}

let kept: unknown;

/**
 * Keeps buffers from being collected until here. An address is only a number to the collector of garbage, which may free
 * a buffer whose last use in the code was to take it.
 */
export function keepAlive(...buffers: unknown[]): void {
  kept = buffers;
  void kept;
}

/** The address of a buffer's first byte; the caller keeps the buffer alive ({@linkcode keepAlive}) while the kernel uses it. */
export function addressOf(buffer: Uint8Array): number {
  return Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer as Uint8Array<ArrayBuffer>)));
}
