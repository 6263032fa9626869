/*
 * infra: the pod's PID 1, and the hand that runs programs (lists of system calls as data, see runner/plan/program.ts).
 *
 * It is started twice in a pod's life. As "stage 0" the daemon spawns it with a connected socket on descriptor 3; it
 * clones the child that becomes the pod's PID 1, and leaves when the daemon closes the socket. That child's program
 * ends in an execve of this file with a listening socket on descriptor 3: the sandbox. It clones containers, keeps
 * their exits until a client has acknowledged them, pumps their output into CRI log files, reaps orphans, answers clients.
 *
 * It holds no policy, parses no YAML and knows no path layout. No libc and no heap; nothing in its loop waits for a
 * client or a container, only ever for the disk that the logs are on.
 */
#include "kernel.h"

/* ---- programs: the format of runner/plan/encode_program.ts ---------------------------------------------------- */
enum { PROGRAM_MAGIC = 0x31505053, MAX_STEPS = 4096, NO_STEP = -1 };
enum { OP_CALL, OP_CHECK, OP_REAP_BELOW };
enum { ARG_INT, ARG_DATA, ARG_RESULT, ARG_PASSED };
struct program { u32 magic, size, steps, relocs, steps_at, relocs_at, results_at, reserved; };
struct step { u16 nr, op, tolerate[2], skip, reg; u32 store; u8 kind[8]; u64 arg[6]; };

/* ---- messages: the format of runner/infra/protocol.ts --------------------------------------------------------- */
enum { REQ_SPAWN = 1, REQ_ACK, REQ_KILL, REQ_LIST, REQ_TAKE_FD, REQ_SHUTDOWN };
enum { REP_SPAWNED = 101, REP_FAILED, REP_EXITED, REP_STATE, REP_END, REP_FD };
enum { FLAG_OWN_PIDNS = 1, FLAG_EPHEMERAL = 2, FLAG_TELL_PID = 4 };
enum { MAX_FDS = 253, MAX_CLIENTS = 16, MAX_PROCESSES = 128, MIN_FILES = 2, MAX_FILES = 100 };
struct message {
  u32 type, flags;
  u64 id, clone_flags, enter;                  /* enter: id of the process whose PID namespace the new one is born in */
  s32 cgroup, out, err, logdir, keep[2];       /* indexes of passed descriptors, or -1 */
  u32 attempt, max_files;
  u64 max_bytes;
  s32 user_namespace, signal, pid, status, step, error, state, reserved;
  u64 started_ns, finished_ns, dropped_bytes;
};

/* ---- state ---------------------------------------------------------------------------------------------------- */
enum { FREE, STARTING, RUNNING, EXITED };
enum { OUT, ERR, STATUS, LOG, LOG_DIR, KEEP, KEEP_TOO, FDS };                          /* descriptors of a process */
enum { WATCH_CLIENT = FDS, WATCH_LISTENER, WATCH_SIGNALS };      /* what epoll reports besides OUT, ERR and STATUS */
enum { CHUNK = 65536, MAX_IOV = 1024, READS = 16, DRAINS = 64, QUIET_MS = 1000, TORN_SLACK = 1048576 };
struct process {
  u64 id, started_ns, finished_ns;
  int state, pid, status, client, fd[FDS];  /* pid: 0 once reaped; client: who asked, while it is there */
  u8 flags, entered, executing, has_reaper; /* what it was asked with, and how far its child has come */
  u8 torn[2];                               /* the last line of OUT, of ERR, in the file is a partial one */
  u32 attempt, max_files;
  u64 max_bytes, log_bytes, log_ns, dropped_bytes, unsaid_bytes, unsaid_lines;
};
#define EACH(p) for (struct process *p = processes; p < processes + MAX_PROCESSES; p++)
static struct process processes[MAX_PROCESSES];
static int clients[MAX_CLIENTS], listener, signals, poll_fd, self_fd, buffers_used;
static struct { u8 text[CHUNK]; struct iov lines[MAX_IOV]; } buffers __attribute__((aligned(4096)));

static u64 now_ns(void) {
  struct timespec_ t;
  SYS(clock_gettime, CLOCK_REALTIME_, &t);
  return (u64)t.sec * 1000000000ul + (u64)t.nsec;
}

static void watch(int fd, u64 kind, u64 index) {
  struct epoll_event event = { EPOLLIN, kind << 32 | index };
  SYS(epoll_ctl, poll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* DEL: epoll would go on reporting a descriptor of which a child before its execve still has a copy. */
static void close_fd(int *fd) {
  if (*fd < 0) return;
  SYS(epoll_ctl, poll_fd, EPOLL_CTL_DEL, *fd, 0);
  SYS(close, *fd);
  *fd = -1;
}

static void set_signals(int how, u64 set) {
  SYS(rt_sigprocmask, how, &set, 0, sizeof set);
}

/* ---- logs: CRI format, `<RFC 3339 time> <stream> <F|P> <text>` ------------------------------------------------ */
static char *put_number(char *at, u64 value, int width) {
  for (int i = width - 1; i >= 0; i--, value /= 10) at[i] = (char)('0' + value % 10);
  return at + width;
}

static char *put_decimal(char *at, u64 value) {
  int width = 1;
  for (u64 v = value; v >= 10; v /= 10) width++;
  return put_number(at, value, width);
}

static char *put_text(char *at, const char *text) {
  while (*text) *at++ = *text++;
  return at;
}

/* `<time> <stream> F `. The day is counted from 0000-03-01, in eras of 400 years. */
static char *put_head(char *at, u64 ns, int stream) {
  u64 s = ns / 1000000000ul, day = s / 86400 + 719468, era = day / 146097, in_era = day % 146097;
  u64 year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
  u64 in_year = in_era - (365 * year + year / 4 - year / 100), march = (5 * in_year + 2) / 153;
  u64 month = march < 10 ? march + 3 : march - 9, in_month = in_year - (153 * march + 2) / 5 + 1;
  u64 part[] = { year + era * 400 + (month <= 2), month, in_month, s / 3600 % 24, s / 60 % 60, s % 60, ns % 1000000000 };
  for (int i = 0; i < 7; i++) {
    at = put_number(at, part[i], "4222229"[i] - '0');
    *at++ = "--T::.Z"[i];
  }
  return put_text(at, stream == ERR ? " stderr F " : " stdout F ");
}

static void log_name(char *at, struct process *p, u32 generation) {
  at = put_text(put_decimal(at, p->attempt), ".log");
  if (generation) at = put_decimal(put_text(at, "."), generation);
  *at = 0;
}

/* O_NONBLOCK: a FIFO that somebody put in the file's place must not stop the pod. */
static void log_open(struct process *p) {
  const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  char name[48];
  log_name(name, p, 0);
  p->fd[LOG] = (int)SYS(openat, p->fd[LOG_DIR], name, flags, 0640);
  if (p->fd[LOG] >= 0) p->log_bytes = (u64)SYS(lseek, p->fd[LOG], 0, SEEK_END_);
}

/* 3 becomes 4, 2 becomes 3, …, the file in use becomes 1. */
static void log_rotate(struct process *p) {
  char from[48], to[48];
  for (u32 generation = p->max_files - 1; generation > 0; generation--) {
    log_name(from, p, generation - 1);
    log_name(to, p, generation);
    SYS(renameat2, p->fd[LOG_DIR], from, p->fd[LOG_DIR], to, 0);
  }
  close_fd(&p->fd[LOG]);
  p->log_bytes = 0;
}

/* False when the file can neither take so much more nor be put aside. A torn line may end first, within bounds. */
static int log_ready(struct process *p, u64 bytes) {
  u64 limit = p->max_bytes + (p->torn[OUT] || p->torn[ERR] ? TORN_SLACK : 0);
  if (p->fd[LOG] < 0) log_open(p);
  if (p->log_bytes > 0 && p->log_bytes + bytes > limit) {
    log_rotate(p);
    log_open(p);
  }
  return p->fd[LOG] >= 0 && (p->log_bytes == 0 || p->log_bytes + bytes <= limit);
}

/* All or nothing: what did not fit whole is taken back, so that the file never ends in half a line of ours. */
static int log_write(struct process *p, u64 count, u64 bytes) {
  s64 n = SYS(writev, p->fd[LOG], buffers.lines, count);
  if (n == (s64)bytes) return p->log_bytes += bytes, 1;
  s64 end = SYS(lseek, p->fd[LOG], 0, SEEK_END_);
  if (n > 0) SYS(ftruncate, p->fd[LOG], end - n);
  return 0;
}

/* Ends the lines that were torn by what was dropped, and says how much that was. */
static char *put_confession(char *at, struct process *p, u64 ns) {
  for (int stream = OUT; stream <= ERR; stream++)
    if (p->torn[stream]) at = put_text(put_head(at, ns, stream), "\n");
  at = put_decimal(put_text(put_head(at, ns, ERR), "seedpod: dropped "), p->unsaid_bytes);
  at = put_decimal(put_text(at, " bytes ("), p->unsaid_lines);
  return put_text(at, " line ends) that could not be written to this file\n");
}

static u64 find_newline(u64 at, u64 end) {
  const u64 ones = 0x0101010101010101;
  for (; at + 8 <= end; at += 8) {
    u64 x = *(u64 *)(void *)(buffers.text + at) ^ ones * '\n';
    if ((x - ones) & ~x & ones << 7) break; /* one of the eight is a newline */
  }
  while (at < end && buffers.text[at] != '\n') at++;
  return at;
}

/* Writes the bytes from `at` to `end`, or what goes into one write, or counts it as dropped; gives how far it came. */
static u64 log_lines(struct process *p, int stream, u64 at, u64 end) {
  char head[2][48], confession[320], *confessed = confession;
  u64 ns = now_ns(), count = 1, lines = 0, bytes = 0, text = 0, whole = 1;
  if (ns < p->log_ns) ns = p->log_ns; /* a clock that is set back must not upset the order within a file */
  p->log_ns = ns;
  u64 length = (u64)(put_head(head[1], ns, stream) - head[1]);
  memcpy(head[0], head[1], length);
  head[0][length - 2] = 'P';
  if (p->unsaid_bytes) confessed = put_confession(confession, p, ns);
  buffers.lines[0] = (struct iov){ confession, (u64)(confessed - confession) };
  while (at < end && count + 3 <= MAX_IOV) {
    u64 newline = find_newline(at, end), size = newline - at;
    whole = newline < end;
    buffers.lines[count++] = (struct iov){ head[whole], length };
    buffers.lines[count++] = (struct iov){ buffers.text + at, size };
    buffers.lines[count++] = (struct iov){ "\n", 1 };
    bytes += length + size + 1;
    text += size + whole;
    lines += whole;
    at += size + whole;
  }
  bytes += buffers.lines[0].length;
  if (bytes > 0 && log_ready(p, bytes) && log_write(p, count, bytes)) {
    if (p->unsaid_bytes) p->torn[OUT] = p->torn[ERR] = 0;
    p->unsaid_bytes = p->unsaid_lines = 0;
    p->torn[stream] = !whole;
  } else {
    p->dropped_bytes += text;
    p->unsaid_bytes += text;
    p->unsaid_lines += lines;
  }
  return at;
}

/*
 * Reads what there is, in a bounded number of steps; gives how much. Many small writes become one of ours. The beginning
 * of a line waits for its rest while the buffer has room and is else logged as a partial one. An ended stream is closed.
 */
static u64 pump(struct process *p, int stream) {
  u64 have = 0, all = 0, done, end;
  s64 n = -EAGAIN;
  for (int reads = 0; reads < READS && p->fd[stream] >= 0; reads++) {
    buffers_used = 1;
    n = SYS(read, p->fd[stream], buffers.text + have, CHUNK - have);
    if (n <= 0) break;
    all += (u64)n;
    have += (u64)n;
    if (have < CHUNK) continue;
    for (end = CHUNK; end > 0 && buffers.text[end - 1] != '\n'; end--) {}
    if (end == 0) break;
    for (done = 0; done < end;) done = log_lines(p, stream, done, end);
    have -= end;
    memcpy(buffers.text, buffers.text + end, have);
  }
  int ended = n <= 0 && n != -EAGAIN;
  for (done = 0; done < have;) done = log_lines(p, stream, done, have);
  if (ended && p->unsaid_bytes) log_lines(p, stream, 0, 0);
  if (ended) close_fd(&p->fd[stream]);
  return all;
}

static void drain(struct process *p) {
  for (int rounds = 0; rounds < DRAINS && pump(p, OUT) + pump(p, ERR) > 0; rounds++) {}
}

/* ---- clients -------------------------------------------------------------------------------------------------- */
/* Whoever lets go of an exit says that nothing matters any more that still holds its streams or is below its reaper. */
static void forget(struct process *p) {
  drain(p);
  for (int i = 0; i < FDS; i++) close_fd(&p->fd[i]);
  p->state = FREE;
}

static void drop_client(int c) {
  close_fd(&clients[c]);
  EACH(p) if (p->client == c) p->client = -1;
}

/* A client that does not read is dropped: it can come back and ask for the list. */
static void send(int c, const struct message *m, int fd) {
  struct { struct cmsghdr_ head; int fd; } control = { { CMSG_HEAD + sizeof fd, SOL_SOCKET_, SCM_RIGHTS_ }, fd };
  struct iov iov = { m, sizeof *m };
  struct msghdr_ header = { 0, 0, &iov, 1, fd < 0 ? 0 : &control, fd < 0 ? 0 : sizeof control, 0 };
  if (clients[c] < 0) return;
  if (SYS(sendmsg, clients[c], &header, MSG_DONTWAIT_ | MSG_NOSIGNAL_) != sizeof *m) drop_client(c);
}

static struct message about(struct process *p, u32 type) {
  return (struct message){
    .type = type, .id = p->id, .flags = p->flags, .pid = p->pid, .state = p->state, .status = p->status,
    .started_ns = p->started_ns, .finished_ns = p->finished_ns, .dropped_bytes = p->dropped_bytes,
  };
}

static void tell(struct message m) {
  for (int c = 0; c < MAX_CLIENTS; c++) send(c, &m, -1);
}

/* ---- exits ---------------------------------------------------------------------------------------------------- */
/* What the child says of itself before its execve, and a reaper of the command below it. */
enum { SAY_FAILED = 1, SAY_EXECUTING, SAY_STARTED, SAY_EXITED };
struct saying { u32 kind; s32 a, b; };

static void started(struct process *p) {
  if (p->state != STARTING || !p->executing) return;
  p->state = RUNNING;
  p->started_ns = now_ns();
  tell(about(p, REP_SPAWNED));
}

static void exited(struct process *p, int status) {
  if (p->state == EXITED) return;
  drain(p);
  p->state = EXITED;
  p->status = status;
  p->finished_ns = now_ns();
  tell(about(p, REP_EXITED));
}

static void failed(struct process *p, s32 step, s32 error) {
  struct message m = about(p, REP_FAILED);
  m.step = step;
  m.error = error;
  forget(p);
  tell(m);
}

/* The pipe's end is the execve, if one was announced, and else the child's death. Afterwards the entry may be free. */
static void hear(struct process *p) {
  struct saying said;
  while (p->fd[STATUS] >= 0) {
    s64 n = SYS(read, p->fd[STATUS], &said, sizeof said);
    if (n == -EAGAIN) return;
    if (n != sizeof said) close_fd(&p->fd[STATUS]);
    else if (said.kind == SAY_FAILED) failed(p, said.a, said.b);
    else if (said.kind == SAY_EXECUTING) p->executing = 1;
    else if (said.kind == SAY_STARTED) p->has_reaper = 1;
    else if (said.kind == SAY_EXITED) exited(p, said.a);
    if (n != sizeof said || said.kind == SAY_STARTED) started(p);
  }
}

static void reap(void) {
  u8 ignored[128];
  int status;
  s64 pid = SYS(read, signals, ignored, sizeof ignored);
  while ((pid = SYS(wait4, -1, &status, WNOHANG, 0)) > 0) {
    EACH(p) {
      if (p->state == FREE || p->pid != pid) continue;
      hear(p);
      p->pid = 0;
      close_fd(&p->fd[STATUS]);
      if (p->state != FREE) exited(p, status);
    }
  }
}

/* ---- the child: from clone3 to execve ------------------------------------------------------------------------- */
static void say(int to, u32 kind, s32 a, s32 b) {
  struct saying said = { kind, a, b };
  SYS(write, to, &said, sizeof said);
}

static void fail(int status_pipe, s32 step, long error) {
  say(status_pipe, SAY_FAILED, step, (s32)error);
  SYS(exit_group, 127);
}

/* Orphans come to this subreaper, so killing its children until there are none reaches all that is below it. */
static void kill_children(void) {
  char list[4096];
  s64 n = SYS(pread64, 1, list, sizeof list, 0), pid = 0;
  for (s64 i = 0; i < n; i++) {
    if (list[i] == ' ') SYS(kill, pid, SIGKILL_);
    pid = list[i] == ' ' ? 0 : pid * 10 + (list[i] - '0');
  }
}

/*
 * The program goes on in a child of this process, which stays, reaps all that is below it, tells of the command's end,
 * and on SIGTERM kills all below. SIGTERM is blocked before anything is below, so that it never leaves a child behind.
 */
static void reap_below(int status_pipe, int children) {
  const u64 set = 1ul << (SIGTERM_ - 1) | 1ul << (SIGCHLD_ - 1);
  const struct timespec_ soon = { 0, 2000000 };
  struct clone_args args = { .flags = CLONE_VFORK, .exit_signal = SIGCHLD_ };
  int status, ending = 0;
  set_signals(SIG_SETMASK_, ~0ul);
  SYS(prctl, PR_SET_CHILD_SUBREAPER, 1);
  s64 command = SYS(clone3, &args, sizeof args), pid;
  if (command == 0) return set_signals(SIG_SETMASK_, 0);
  if (command < 0) fail(status_pipe, NO_STEP, -command);
  SYS(prctl, PR_SET_DUMPABLE, 0);
  SYS(dup3, status_pipe, 0, 0);
  SYS(dup3, children, 1, 0);
  SYS(close_range, 2, ~0u);
  say(0, SAY_STARTED, 0, 0);
  for (;;) {
    while ((pid = SYS(wait4, -1, &status, WNOHANG, 0)) > 0) {
      if (pid == command) say(0, SAY_EXITED, status, 0);
    }
    if (pid == -ECHILD) SYS(exit_group, 0);
    if (ending) kill_children();
    if (SYS(rt_sigtimedwait, &set, 0, ending ? &soon : 0, sizeof set) == SIGTERM_) ending = 1;
  }
}

static long run_step(struct program *p, struct step *s, u64 *results, int *fds, int status_pipe) {
  long a[6];
  for (int i = 0; i < 6; i++) {
    u64 value = s->arg[i];
    if (s->kind[i] == ARG_DATA) value += (u64)p;
    if (s->kind[i] == ARG_RESULT) value = results[value];
    if (s->kind[i] == ARG_PASSED) value = (u64)(s64)fds[value];
    a[i] = (long)value;
  }
  if (s->op == OP_CHECK) return (*(u32 *)a[0] & (u32)a[1]) == (u32)a[2] ? 0 : -a[3];
  if (s->op == OP_REAP_BELOW) return reap_below(status_pipe, (int)a[0]), 0;
  if (s->op != OP_CALL) return -ENOSYS;
  if (s->nr == __NR_close_range && a[0] < status_pipe) /* what fails after it must still be told */
    SYS(close_range, status_pipe + 1, a[1], a[2]), a[1] = status_pipe - 1;
  if (s->nr == __NR_execve || s->nr == __NR_execveat) say(status_pipe, SAY_EXECUTING, 0, 0);
  return call6(s->nr, a[0], a[1], a[2], a[3], a[4], a[5]); /* no handler, so no EINTR */
}

/* Trusts the program: a wrong one can only crash this child. */
static void run_program(struct program *p, int *fds, int status_pipe) {
  u8 *base = (u8 *)p;
  struct step *steps = (struct step *)(base + p->steps_at);
  u32 *relocs = (u32 *)(base + p->relocs_at);
  u64 *results = (u64 *)(base + p->results_at);
  for (u32 i = 0; i < p->relocs; i++) *(u64 *)(base + relocs[i]) += (u64)base;
  for (u32 i = 0; i < p->steps; i++) {
    struct step *s = &steps[i];
    long result = run_step(p, s, results, fds, status_pipe);
    if (result < 0 && result > -4096) {
      if (s->tolerate[0] != -result && s->tolerate[1] != -result) fail(status_pipe, (s32)i, -result);
      result = -1;
    }
    results[s->reg] = (u64)result;
    if (s->store) *(u32 *)(base + s->store) = (u32)result;
    if (result != -1) i += s->skip;
  }
  fail(status_pipe, NO_STEP, ENOEXEC);
}

/* ---- requests ------------------------------------------------------------------------------------------------- */
static struct process *find(u64 id) {
  EACH(p) if (p->state != FREE && p->id == id) return p;
  return 0;
}

/* Gives the child's PID. The program in fds[0] is mapped here, privately, and only the child looks into it. */
static long clone_child(struct message *m, int *fds, int pid_namespace, int status_pipe) {
  const u64 namespaces = CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                         CLONE_NEWPID | CLONE_NEWNET;
  struct clone_args args = { .flags = m->clone_flags, .exit_signal = SIGCHLD_ };
  struct program head;
  long result = 0;
  if (m->clone_flags & ~namespaces || SYS(pread64, fds[0], &head, sizeof head, 0) != sizeof head) return -EINVAL;
  if (head.magic != PROGRAM_MAGIC || head.steps > MAX_STEPS) return -EINVAL;
  long map = SYS(mmap, 0, head.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fds[0], 0);
  if (map < 0 && map > -4096) return map;
  if ((u32)m->cgroup < MAX_FDS) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = (u64)fds[m->cgroup];
  }
  if ((u32)m->user_namespace < MAX_FDS) result = SYS(setns, fds[m->user_namespace], CLONE_NEWUSER);
  if (result == 0 && pid_namespace >= 0) result = SYS(setns, pid_namespace, CLONE_NEWPID); /* for its children alone */
  if (result == 0) result = SYS(clone3, &args, sizeof args);
  if (result != 0 && pid_namespace >= 0) SYS(setns, self_fd, CLONE_NEWPID);
  if (result == 0) {
    set_signals(SIG_SETMASK_, 0);
    run_program((struct program *)map, fds, status_pipe);
  }
  SYS(munmap, map, head.size);
  return result;
}

/* Gives an errno, or 0 when the child exists; what becomes of it is told later. */
static long spawn(int c, struct message *m, int *fds, int nfds) {
  struct process *p = 0, *target = m->enter ? find(m->enter) : 0;
  int pipe[2];
  EACH(entry) if (entry->state == FREE && !p) p = entry; /* the first: few pages are ever touched */
  if (find(m->id)) return EEXIST;
  if (!p) return EAGAIN;
  if (m->enter) {
    if (!target || target->state != RUNNING || target->pid == 0) return ESRCH;
    fds[nfds] = (int)SYS(pidfd_open, target->pid, 0);
    if (fds[nfds] < 0) return -fds[nfds];
  }
  long result = SYS(pipe2, pipe, O_CLOEXEC | O_NONBLOCK);
  if (result < 0) return -result;
  result = clone_child(m, fds, target && target->flags & FLAG_OWN_PIDNS ? fds[nfds] : -1, pipe[1]);
  SYS(close, pipe[1]);
  if (result < 0) return SYS(close, pipe[0]), -result;
  *p = (struct process){
    .id = m->id, .state = STARTING, .pid = (int)result, .client = c, .started_ns = now_ns(), .flags = (u8)m->flags,
    .entered = m->enter != 0, .attempt = m->attempt, .max_bytes = m->max_bytes,
  };
  p->max_files = m->max_files < MIN_FILES ? MIN_FILES : m->max_files > MAX_FILES ? MAX_FILES : m->max_files;
  const s32 indexes[] = { m->out, m->err, -1, -1, m->logdir, m->keep[0], m->keep[1] };
  for (int i = 0; i < FDS; i++) {
    p->fd[i] = (u32)indexes[i] < MAX_FDS ? fds[indexes[i]] : -1;
    if (p->fd[i] >= 0) fds[indexes[i]] = -1;
  }
  p->fd[STATUS] = pipe[0];
  for (int i = OUT; i <= STATUS; i++) {
    if (i != STATUS) SYS(fcntl, p->fd[i], F_SETFL, O_NONBLOCK);
    watch(p->fd[i], (u64)i, (u64)(p - processes));
  }
  if (p->flags & FLAG_TELL_PID) tell(about(p, REP_STATE));
  return 0;
}

static void request(int c, struct message *m, int fds[], int nfds) {
  struct process *p = find(m->id);
  struct message reply = { .type = REP_FAILED, .id = m->id, .step = NO_STEP };
  switch (m->type) {
    case REQ_SPAWN:
      reply.error = (s32)spawn(c, m, fds, nfds);
      if (reply.error) send(c, &reply, -1);
      return;
    case REQ_ACK:
      if (p && p->state == EXITED) forget(p);
      return;
    case REQ_KILL: /* a reaper, or what is about to become one, is asked to end all that is below it */
      if (p && (p->has_reaper || (p->entered && p->state == STARTING))) m->signal = SIGTERM_;
      if (p && p->pid > 0) SYS(kill, p->pid, m->signal);
      return;
    case REQ_LIST:
      EACH(each) {
        struct message state = about(each, REP_STATE);
        if (each->state != FREE) send(c, &state, -1);
      }
      reply.type = REP_END;
      return send(c, &reply, -1);
    case REQ_TAKE_FD:
      reply.type = REP_FD;
      return send(c, &reply, p ? p->fd[KEEP] : -1);
    case REQ_SHUTDOWN:
      SYS(exit_group, 0);
  }
}

/* Whoever sends what is not a message, or passes more than can be taken, is dropped. */
static void client_readable(int c) {
  struct message m;
  struct { struct cmsghdr_ head; int fds[MAX_FDS + 1]; } control; /* one more, for the pidfd of an entered process */
  struct iov iov = { &m, sizeof m };
  struct msghdr_ header = { 0, 0, &iov, 1, &control, sizeof control, 0 };
  s64 n = SYS(recvmsg, clients[c], &header, MSG_CMSG_CLOEXEC_ | MSG_DONTWAIT_);
  if (n == -EAGAIN) return;
  int nfds = n > 0 && header.controllen > 0 ? (int)((control.head.length - CMSG_HEAD) / sizeof(int)) : 0;
  memset(control.fds + nfds, 0xff, (u64)(MAX_FDS + 1 - nfds) * sizeof(int));
  if (n == sizeof m && !(header.flags & MSG_CTRUNC_)) request(c, &m, control.fds, nfds);
  else drop_client(c);
  for (int i = 0; i <= MAX_FDS; i++) close_fd(&control.fds[i]);
}

static void accept_client(void) {
  int fd = (int)SYS(accept4, listener, 0, 0, SOCK_CLOEXEC_), c = 0;
  while (c < MAX_CLIENTS && clients[c] >= 0) c++;
  if (c == MAX_CLIENTS) return close_fd(&fd);
  clients[c] = fd;
  watch(fd, WATCH_CLIENT, (u64)c);
}

/* ---- the loop: a report may be out of date, its place closed or another's; a handler finds nothing to read then - */
static void handle(u64 kind, u64 index) {
  if (kind == OUT || kind == ERR) pump(&processes[index], (int)kind);
  if (kind == STATUS) hear(&processes[index]);
  if (kind == WATCH_CLIENT) client_readable((int)index);
  if (kind == WATCH_LISTENER) accept_client();
  if (kind == WATCH_SIGNALS) reap();
}

/* Lets go of what nobody will ask for. Stage 0 stays until its client has gone and its child has no more to say. */
static int needed(void) {
  int answer = listener > 0;
  for (int c = 0; c < MAX_CLIENTS; c++) answer |= clients[c] >= 0;
  EACH(p) {
    answer |= p->state == STARTING;
    if (p->state == EXITED && p->flags & FLAG_EPHEMERAL && p->client < 0) forget(p);
  }
  return answer;
}

static void loop(void) {
  struct epoll_event events[8];
  while (needed()) {
    s64 n = SYS(epoll_pwait, poll_fd, events, 8, buffers_used ? QUIET_MS : -1, 0, 8);
    if (n == 0) {
      SYS(madvise, &buffers, sizeof buffers, MADV_DONTNEED);
      buffers_used = 0;
    }
    for (s64 i = 0; i < n; i++) handle(events[i].data >> 32, events[i].data & 0xffffffff);
  }
}

__attribute__((noreturn, used)) void start(void) {
  const u64 set = 1ul << (SIGCHLD_ - 1), defaults[4] = { 0 };
  int serving = 0, size = sizeof serving;
  SYS(close_range, 4, ~0u);
  SYS(fcntl, 3, F_SETFD, FD_CLOEXEC);
  SYS(fcntl, 3, F_SETFL, O_NONBLOCK);
  set_signals(SIG_BLOCK_, ~0ul);
  /* what the daemon ignores, SIGPIPE for one, must not be ignored in every container */
  for (int signal = 1; signal <= LAST_SIGNAL; signal++) SYS(rt_sigaction, signal, defaults, 0, sizeof set);
  SYS(prctl, PR_SET_DUMPABLE, 0);
  SYS(prctl, PR_SET_NAME, "infra");
  SYS(prctl, PR_SET_CHILD_SUBREAPER, 1);
  long me = SYS(getpid);
  self_fd = (int)SYS(pidfd_open, me, 0);
  poll_fd = (int)SYS(epoll_create1, EPOLL_CLOEXEC);
  signals = (int)SYS(signalfd4, -1, &set, sizeof set, SFD_FLAGS);
  watch(signals, WATCH_SIGNALS, 0);
  memset(clients, 0xff, sizeof clients);
  SYS(getsockopt, 3, SOL_SOCKET_, SO_ACCEPTCONN_, &serving, &size);
  *(serving ? &listener : &clients[0]) = 3;
  watch(3, serving ? WATCH_LISTENER : WATCH_CLIENT, 0);
  loop(); /* the border: with a listener it never ends; only the pod's end, REQ_SHUTDOWN, exits */
  SYS(exit_group, 0);
  __builtin_unreachable();
}
