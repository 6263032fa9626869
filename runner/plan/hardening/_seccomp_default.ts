import { ERRNO } from "../../base/mod.ts";
import type { CapabilityName } from "./capabilities.ts";
import {
  type ArgumentCondition,
  type ArgumentOp,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  type SeccompFilter,
  type SyscallRule,
} from "./_seccomp_filter.ts";

/** Calls that every container may make, by subject. */
const ALLOWED = `
  read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek close close_range
  open openat openat2 creat dup dup2 dup3 fcntl fcntl64 ioctl pipe pipe2 splice tee vmsplice sendfile sendfile64
  copy_file_range readahead fadvise64 fadvise64_64 fallocate ftruncate ftruncate64 truncate truncate64 flock
  fsync fdatasync sync syncfs sync_file_range

  stat lstat fstat stat64 lstat64 fstat64 fstatat64 newfstatat statx statfs fstatfs statfs64 fstatfs64 access
  faccessat faccessat2 readlink readlinkat getdents getdents64 getcwd chdir fchdir umask mkdir mkdirat rmdir mknod
  mknodat link linkat symlink symlinkat unlink unlinkat rename renameat renameat2 chmod fchmod fchmodat fchmodat2
  chown fchown lchown fchownat chown32 fchown32 lchown32 utime utimes futimesat utimensat utimensat_time64
  setxattr lsetxattr fsetxattr setxattrat getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr
  listxattrat removexattr lremovexattr fremovexattr removexattrat name_to_handle_at listmount statmount
  inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark
  landlock_create_ruleset landlock_add_rule landlock_restrict_self

  mmap mmap2 munmap mremap mprotect pkey_mprotect pkey_alloc pkey_free madvise mincore msync mlock mlock2 mlockall
  munlock munlockall mseal brk remap_file_pages map_shadow_stack memfd_create memfd_secret membarrier cachestat

  poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create epoll_create1 epoll_ctl
  epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4
  timerfd_create timerfd_settime timerfd_settime64 timerfd_gettime timerfd_gettime64
  io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64

  socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt
  sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg recvmmsg_time64

  fork vfork execve execveat exit exit_group wait4 waitid waitpid kill tkill tgkill pidfd_open pidfd_send_signal
  process_mrelease ptrace process_vm_readv process_vm_writev prctl arch_prctl modify_ldt seccomp rseq uretprobe
  set_tid_address set_thread_area get_thread_area set_robust_list get_robust_list restart_syscall
  futex futex_time64 futex_wait futex_wake futex_requeue futex_waitv
  rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_sigqueueinfo
  rt_tgsigqueueinfo rt_sigreturn sigaltstack sigprocmask sigreturn pause alarm

  getpid getppid gettid getpgid getpgrp getsid setpgid setsid getuid geteuid getgid getegid getresuid getresgid
  getgroups setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups
  getuid32 geteuid32 getgid32 getegid32 getresuid32 getresgid32 getgroups32 setuid32 setgid32 setreuid32
  setregid32 setresuid32 setresgid32 setfsuid32 setfsgid32 setgroups32 capget capset

  sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam
  sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval
  sched_rr_get_interval_time64 getpriority setpriority ioprio_get ioprio_set getcpu
  getrlimit ugetrlimit setrlimit prlimit64 getrusage times sysinfo uname getrandom

  time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep
  clock_nanosleep_time64 nanosleep adjtimex clock_adjtime clock_adjtime64 getitimer setitimer
  timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64

  ipc semget semop semtimedop semtimedop_time64 semctl msgget msgsnd msgrcv msgctl shmget shmat shmdt shmctl
  mq_open mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64 mq_notify mq_getsetattr
`;

/** Calls that a container may make when its bounding set has the capability that guards them. */
const ALLOWED_BY_CAPABILITY: Partial<Record<CapabilityName, string>> = {
  CAP_DAC_READ_SEARCH: "open_by_handle_at",
  CAP_SYS_ADMIN: `
    clone clone3 unshare setns mount umount umount2 mount_setattr move_mount open_tree open_tree_attr fsopen fsconfig
    fsmount fspick quotactl quotactl_fd sethostname setdomainname fanotify_init lookup_dcookie bpf perf_event_open
    syslog lsm_get_self_attr lsm_set_self_attr lsm_list_modules`,
  CAP_SYS_BOOT: "reboot",
  CAP_SYS_CHROOT: "chroot",
  CAP_SYS_MODULE: "init_module finit_module delete_module",
  CAP_SYS_PACCT: "acct",
  CAP_SYS_PTRACE: "kcmp pidfd_getfd process_madvise",
  CAP_SYS_RAWIO: "iopl ioperm",
  CAP_SYS_TIME: "settimeofday stime clock_settime clock_settime64",
  CAP_SYS_TTY_CONFIG: "vhangup",
  CAP_SYS_NICE: "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
  CAP_SYSLOG: "syslog",
  CAP_BPF: "bpf",
  CAP_PERFMON: "perf_event_open",
};

/**
 * The address families of socket(2), [first, last]. Not among them, for they have no business in a container: ALG 38,
 * VSOCK 40, RXRPC 33, and those that the kernel has dropped (DECnet 12, ECONET 19, ATMSVC 20, IRDA 23, WANPIPE 25,
 * ISDN 34, CAIF 37).
 */
const SOCKET_FAMILIES: readonly (readonly [number, number])[] = [
  [0, 11],
  [13, 18],
  [21, 22],
  [24, 24],
  [26, 32],
  [35, 36],
  [39, 39],
  [41, 45],
];

/** PER_LINUX, PER_LINUX32, UNAME26, both, and the question what it is now. */
const PERSONALITIES = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
const CLONE_NAMESPACES = 0x7e02_0000;

// socketcall(2), the one door to sockets of old 32-bit x86 programs: its arguments lie in memory, out of a filter's sight.
const SYS_SOCKET = 1;

/** The filter behind `RuntimeDefault`. */
export function defaultFilter(): SeccompFilter {
  return {
    defaultReturns: SECCOMP_RET_ERRNO | ERRNO.EPERM[0],
    known: "table",
    i386: true,
    flags: 0,
    rules: [
      allow(ALLOWED),
      ...Object.entries(ALLOWED_BY_CAPABILITY).map(([capability, names]): SyscallRule => ({
        ...allow(names),
        includes: { arches: [], caps: [capability as CapabilityName], minKernel: undefined },
      })),
      ...withoutSysAdmin(),
      ...SOCKET_FAMILIES.map(([first, last]) =>
        allow("socket", first === 0 ? [] : [when(">=", first)], [when("<=", last)])
      ),
      ...PERSONALITIES.map((persona) => allow("personality", [when("==", persona)])),
      allow("socketcall", [when("!=", SYS_SOCKET)]),
      { names: ["file_getattr", "file_setattr"], returns: SECCOMP_RET_ERRNO | ERRNO.ENOSYS[0], args: [] },
    ],
  };
}

/** clone(2) without namespaces; clone3(2) keeps its flags in memory, and ENOSYS makes C libraries take clone(2). */
function withoutSysAdmin(): SyscallRule[] {
  const excludes = { arches: [], caps: ["CAP_SYS_ADMIN"], minKernel: undefined } as const;
  const noNamespace: ArgumentCondition = { ...when("&=", CLONE_NAMESPACES), bits: 64 };
  return [
    { ...allow("clone", [noNamespace]), excludes },
    { names: ["clone3"], returns: SECCOMP_RET_ERRNO | ERRNO.ENOSYS[0], args: [], excludes },
  ];
}

function allow(names: string, ...conditions: ArgumentCondition[][]): SyscallRule {
  return { names: names.trim().split(/\s+/), returns: SECCOMP_RET_ALLOW, args: conditions.flat() };
}

/** A condition on the first argument, an int. */
function when(op: ArgumentOp, value: number): ArgumentCondition {
  return { index: 0, op, value: BigInt(value), valueTwo: 0n, bits: 32 };
}
