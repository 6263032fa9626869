import { type BpfRun, runBpf } from "./bpf_interpreter.ts";

/** SECCOMP_RET_ values, those with an errno named after it. */
export const ALLOW = 0x7fff0000;
export const KILL_PROCESS = 0x80000000;
export const EPERM = 0x00050001;
export const ENOSYS = 0x00050026;

/** <linux/audit.h> */
export const AUDIT_ARCH = { x86_64: 0xc000003e, i386: 0x40000003, aarch64: 0xc00000b7, arm: 0x40000028 };

/** Whose call it is. */
export type Abi = keyof typeof AUDIT_ARCH;

/** Numbers from the kernel's headers, apart from the tables under test: x86_64, i386, aarch64. */
export const NUMBERS: Record<string, readonly [number, number, number]> = {
  read: [0, 3, 63],
  write: [1, 4, 64],
  openat: [257, 295, 56],
  futex: [202, 240, 98],
  epoll_pwait: [281, 319, 22],
  socket: [41, 359, 198],
  clone: [56, 120, 220],
  clone3: [435, 435, 435],
  unshare: [272, 310, 97],
  setns: [308, 346, 268],
  mount: [165, 21, 40],
  personality: [135, 136, 92],
  keyctl: [250, 288, 219],
  add_key: [248, 286, 217],
  request_key: [249, 287, 218],
  bpf: [321, 357, 280],
  perf_event_open: [298, 336, 241],
  ptrace: [101, 26, 117],
  pidfd_getfd: [438, 438, 438],
  chroot: [161, 61, 51],
  init_module: [175, 128, 105],
  clock_settime: [227, 264, 112],
  mbind: [237, 274, 235],
  syslog: [103, 103, 116],
  iopl: [172, 110, -1],
  open_by_handle_at: [304, 342, 265],
  reboot: [169, 88, 142],
  acct: [163, 51, 89],
  vhangup: [153, 111, 58],
  io_uring_setup: [425, 425, 425],
  userfaultfd: [323, 374, 282],
  kexec_load: [246, 283, 104],
  statx: [332, 383, 291],
  mseal: [462, 462, 462],
  open_tree_attr: [467, 467, 467],
  file_getattr: [468, 468, 468],
};
const COLUMN: Record<Abi, number> = { x86_64: 0, i386: 1, aarch64: 2, arm: 1 };
/** The number of a call, -1 where the ABI has none. */
export const numberOf = (name: string, abi: Abi): number => NUMBERS[name]![COLUMN[abi]]!;

/** Asks a filter about one call, by name or number; arguments left out are 0. */
export function call(
  program: Uint8Array,
  abi: Abi,
  nr: number | string,
  ...args: (number | bigint)[]
): BpfRun {
  const registers = Array.from({ length: 6 }, (_, at) => BigInt.asUintN(64, BigInt(args[at] ?? 0)));
  const number = typeof nr === "string" ? numberOf(nr, abi) : nr;
  return runBpf(program, { nr: number, arch: AUDIT_ARCH[abi], args: registers });
}
