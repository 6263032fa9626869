/** Every bound of seedpod, with its unit in the name and its reason beside it. */

/** Larger manifests are refused before they are read whole: etcd refuses objects above 1.5 MiB, a file may hold several. */
export const MAX_MANIFEST_FILE_BYTES = 4 * 1024 * 1024;
/** Manifest files taken from one directory. */
export const MAX_MANIFEST_FILES = 1000;
/** Diagnostics printed for one file; the rest is counted. */
export const MAX_DIAGNOSTICS_PER_FILE = 50;
/** Descriptors in one SCM_RIGHTS message: the kernel's SCM_MAX_FD. */
export const MAX_DESCRIPTORS_PER_MESSAGE = 253;
/** Instructions in one seccomp filter: the kernel's BPF_MAXINSNS. */
export const MAX_SECCOMP_INSTRUCTIONS = 4096;
/** Processes and threads of one container: a fork bomb stays small, and no ordinary server comes near. */
export const MAX_PIDS_PER_CONTAINER = 2048;
/** Processes and threads of one pod, all its containers and infra together. */
export const MAX_PIDS_PER_POD = 4096;
/** One write to a cgroup file: the kernel takes less than a page (4096 bytes with the closing zero). */
export const MAX_CGROUP_VALUE_BYTES = 4095;
/** Rounds of killing a v1 cgroup before it counts as unkillable: a full pod (MAX_PIDS_PER_POD) takes 16, a fork bomb more. */
export const MAX_CGROUP_KILL_ROUNDS = 256;
/** Processes held by a descriptor at once while they are killed: far below the daemon's limit of open files. */
export const MAX_HELD_PROCESSES = 256;
/** Wait for killed processes to leave their cgroup; only uninterruptible sleep takes longer. */
export const CGROUP_EMPTY_TIMEOUT_MS = 10_000;
/** Longest pause between two looks at a v1 cgroup that is to become empty: v1 tells nobody when it does. */
export const MAX_CGROUP_POLL_MS = 50;
/** How long an infra may take to answer; it answers in microseconds, so a longer silence is a fault. */
export const INFRA_REPLY_TIMEOUT_MS = 10_000;
/** Log bytes read at a time: large enough that the call costs nothing, small enough for many readers at once. */
export const LOG_CHUNK_BYTES = 256 * 1024;
/** One line of a log file as written; infra writes at most 64 KiB and a head, and a reader must hold one whole. */
export const MAX_LOG_FILE_LINE_BYTES = 192 * 1024;
/** A line of output that is held back until its end is seen; a longer one is passed on in pieces. */
export const MAX_HELD_LOG_LINE_BYTES = 1024 * 1024;
/** How far before the last N lines the beginning of a torn line is looked for. */
export const MAX_LOG_TAIL_LOOKBACK_BYTES = 1024 * 1024;
/** Longest pause between two looks at a followed log: the kernel's notices can be lost or unavailable. */
export const LOG_FOLLOW_POLL_MS = 500;
/** One name in the path of a configMap's or secret's file: the kernel's NAME_MAX. */
export const MAX_VOLUME_FILE_NAME_BYTES = 255;
/** The whole path of a configMap's or secret's file: kubelet's bound, below the kernel's PATH_MAX. */
export const MAX_VOLUME_PATH_BYTES = 4095;
/** How long a sandbox that hangs at its start may take to die of SIGKILL; it is at once, but for a hung file system. */
export const SANDBOX_KILL_TIMEOUT_MS = 1000;
/** Bytes of one container log file before it is put aside, and files kept with the one in use: kubelet's defaults. */
export const CONTAINER_LOG_MAX_BYTES = 10 * 1024 * 1024;
export const CONTAINER_LOG_MAX_FILES = 5;
/** Bytes of a termination message, and of the log's tail that stands in for it: kubelet's numbers. */
export const TERMINATION_MESSAGE_MAX_BYTES = 4096;
export const FALLBACK_LOG_MAX_BYTES = 2048;
export const FALLBACK_LOG_MAX_LINES = 80;
/** Steps of one pod's turn before it must wait for an event: more means that two decisions fight. */
export const MAX_ACTIONS_PER_TURN = 1000;
/** How long the kernel may take to end the processes of a pod that were all sent SIGKILL. */
export const POD_KILL_TIMEOUT_MS = 10_000;
/** Ids of a pod with `hostUsers: false`: what images use, as kubelet grants them. */
export const USER_NAMESPACE_IDS = 65_536;
/** How often disk use is looked at where a pod has limits for it: kubelet's housekeeping interval. */
export const EPHEMERAL_STORAGE_INTERVAL_MS = 10_000;
/** Files looked at in one measurement of disk use; a pod with more is measured as far as that. */
export const EPHEMERAL_STORAGE_MAX_FILES = 1_000_000;
/** Bytes of a seccomp profile file. */
export const MAX_SECCOMP_PROFILE_BYTES = 1024 * 1024;
/** One argument or variable of a process with its closing zero: the kernel's MAX_ARG_STRLEN. */
export const MAX_ARGUMENT_BYTES = 131_072;
/** All arguments and variables of a process: the most the kernel ever takes, three quarters of its _STK_LIM. */
export const MAX_EXECVE_BYTES = 6 * 1024 * 1024;
/** Problems of one container told at once; the rest is counted. */
export const MAX_PROBLEMS_PER_CONTAINER = 10;
/** Compiled seccomp filters remembered, at most 32 kB each: few profiles are in use on one machine. */
export const MAX_CACHED_SECCOMP_FILTERS = 32;
/** An image's /etc/passwd or /etc/group: a larger one is an attack on the reader's memory (CVE-2024-9676). */
export const MAX_USERS_FILE_BYTES = 1024 * 1024;
/** Root file systems whose users are remembered: few images are in use on one machine. */
export const MAX_KNOWN_ROOTFS = 32;
/** How often a daemon lists its pods although no file event came, and how long one left behind stays without work. */
export const DAEMON_LIST_INTERVAL_MS = 1_000;
export const DAEMON_IDLE_MS = 5_000;
/** A host name: the kernel's __NEW_UTS_LEN. */
export const MAX_HOST_NAME_BYTES = 64;
/** The machine's /etc/hosts as pods on its network get it: a longer one is no list of names any more. */
export const MAX_HOSTS_FILE_BYTES = 1024 * 1024;
/** How often a pod without a readable record is looked at while its supervisor is asked to remove it. */
export const LEFTOVER_POLL_MS = 20;
/** How long `up --detach` watches pods that run, so that one whose command fails at once is told as failed. */
export const UP_SETTLE_MS = 250;
/** How often somebody who waits for a pod looks although no file event came, and whoever supervises one for a wish to remove it. */
export const REMOTE_POD_INTERVAL_MS = 500;
export const DELETION_INTERVAL_MS = 2_000;
/** Pause before a connection is tried again that infra refused because it has as many clients as it takes. */
export const INFRA_BUSY_PAUSE_MS = 10;
