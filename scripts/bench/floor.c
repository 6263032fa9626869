/*
 * The floor: the start of a pod in plain C. It makes every system call that seedpod makes, in the same processes and with
 * the same arguments (start.h is generated from the programs that seedpod plans), and nothing else: no planning, no
 * JavaScript, no interpretation. Compiled twice: as the daemon (-DDAEMON), and as what stands in for infra.
 */
#include "kernel.h"
#include "start.h"

enum { MAX_DESCRIPTORS = 253, MAX_WATCHED = 16, EXECUTABLE = 200 };
struct request { u64 clone_flags; s32 container, cgroup, keep[5], bytes, pid, padding[21]; };
_Static_assert(sizeof(struct request) == 128, "as large as a message of infra's");

static void write_number(int fd, u64 value, char end) {
  char text[24], *at = text + sizeof text;
  *--at = end;
  do *--at = (char)('0' + value % 10);
  while (value /= 10);
  SYS(write, fd, at, text + sizeof text - at);
}

static void give_up(int step, long error) {
  SYS(write, 2, "the floor failed: step, errno ", 30);
  write_number(2, (u64)step, ' ');
  write_number(2, (u64)-error, '\n');
  SYS(exit_group, 1);
}

static long must(long result) {
  if (result < 0 && result > -4096) give_up(0, result);
  return result;
}

static void send(int socket, const struct request *request, const int *fds, int count) {
  struct { struct cmsghdr_ head; int fds[MAX_DESCRIPTORS]; } control;
  struct iov iov = { request, sizeof *request };
  struct msghdr_ header = { 0, 0, &iov, 1, count ? &control : 0, count ? CMSG_HEAD + (u64)count * sizeof(int) : 0, 0 };
  control.head = (struct cmsghdr_){ CMSG_HEAD + (u64)count * sizeof(int), SOL_SOCKET_, SCM_RIGHTS_ };
  for (int i = 0; i < count; i++) control.fds[i] = fds[i];
  must(SYS(sendmsg, socket, &header, MSG_NOSIGNAL_));
}

static int receive(int socket, struct request *request, int *fds) {
  struct { struct cmsghdr_ head; int fds[MAX_DESCRIPTORS]; } control;
  struct iov iov = { request, sizeof *request };
  struct msghdr_ header = { 0, 0, &iov, 1, &control, sizeof control, 0 };
  s64 n = must(SYS(recvmsg, socket, &header, MSG_CMSG_CLOEXEC_));
  int count = n > 0 && header.controllen > 0 ? (int)((control.head.length - CMSG_HEAD) / sizeof(int)) : 0;
  for (int i = 0; i < count; i++) fds[i] = control.fds[i];
  return n == 0 ? -1 : count;
}

#ifdef DAEMON
static u64 now_ns(void) {
  struct timespec_ t;
  SYS(clock_gettime, 1, &t); /* CLOCK_MONOTONIC */
  return (u64)t.sec * 1000000000ul + (u64)t.nsec;
}

static u8 program[PROGRAM_ROOM];

static int memory_file(int bytes) {
  int fd = (int)must(SYS(memfd_create, "program", 0xb)); /* MFD_CLOEXEC|MFD_ALLOW_SEALING|MFD_NOEXEC_SEAL */
  must(SYS(write, fd, program, bytes));
  return fd;
}

static int at_socket(const char *name, int call_number) {
  struct { u16 family; char path[106]; } address = { AF_UNIX_, { 0 } };
  u64 length = 0;
  while ((address.path[length] = name[length])) length++;
  int fd = (int)must(SYS(socket, AF_UNIX_, 1 | SOCK_CLOEXEC_, 0));
  if (call_number == __NR_bind) SYS(fchmod, fd, 0600);
  must(SYS_(call_number, fd, &address, length + 3, 0, 0, 0, 0));
  if (call_number == __NR_bind) must(SYS(listen, fd, 16));
  return fd;
}

/* What is kept of the pod: a new file beside the old one, then a rename. */
static void save(void) {
  int fd = (int)must(SYS(openat, AT_FDCWD, RUN "/record.json.next", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  must(SYS(write, fd, program, RECORD_BYTES));
  SYS(close, fd);
  must(SYS(renameat2, AT_FDCWD, RUN "/record.json.next", AT_FDCWD, RUN "/record.json", 0));
}

static int start_stage_zero(int executable, int theirs) {
  struct clone_args args = { .flags = CLONE_VFORK, .exit_signal = SIGCHLD_ };
  const char *argv[] = { "infra", 0 }, *envp[] = { 0 };
  int nowhere = (int)must(SYS(openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0));
  int pid = (int)must(SYS(clone3, &args, sizeof args));
  if (pid == 0) {
    for (int i = 0; i < 3; i++) SYS(dup3, nowhere, i, 0);
    SYS(dup3, theirs, 3, 0);
    must(SYS(execveat, executable, "", argv, envp, AT_EMPTY_PATH));
  }
  SYS(close, theirs);
  SYS(close, nowhere);
  return pid;
}

static int start_sandbox(int executable, long *results) {
  int pair[2], fds[MAX_DESCRIPTORS], status;
  char stat[512], path[32] = "/proc/";
  struct request request = { SANDBOX_FLAGS, -1, SANDBOX_CGROUP, { -1, -1, -1, -1, -1 }, SANDBOX_BYTES, 0, { 0 } };
  host_sandbox(results);
  int listener = at_socket(RUN "/infra.sock", __NR_bind), memory = memory_file(SANDBOX_BYTES);
  must(SYS(socketpair, AF_UNIX_, 1 | SOCK_CLOEXEC_, 0, pair));
  int pid = start_stage_zero(executable, pair[1]);
  fds[0] = memory;
  fds[1] = executable;
  fds[2] = listener;
  send(pair[0], &request, fds, descriptors_sandbox(results, fds));
  if (receive(pair[0], &request, fds) < 0) give_up(0, -ECHILD);
  SYS(close, pair[0]);
  must(SYS(wait4, pid, &status, 0, 0));
  char *at = path + 6, digits[12], *digit = digits;
  for (int value = request.pid; value; value /= 10) *digit++ = (char)('0' + value % 10);
  while (digit > digits) *at++ = *--digit;
  for (int i = 0; i < 6; i++) *at++ = "/stat"[i];
  int file = (int)must(SYS(openat, AT_FDCWD, path, O_CLOEXEC, 0));
  SYS(read, file, stat, sizeof stat);
  SYS(close, file);
  SYS(close, memory);
  SYS(close, listener);
  close_sandbox(results);
  return request.pid;
}

__attribute__((noreturn, used)) void start(void) {
  static long results[MAX_RESULTS];
  int fds[MAX_DESCRIPTORS], opened = (int)must(SYS(openat, AT_FDCWD, INFRA, O_CLOEXEC, 0));
  int executable = (int)must(SYS(dup3, opened, EXECUTABLE, O_CLOEXEC)); /* out of the way of stage 0's descriptors */
  struct request request;
  SYS(close, opened);
  u64 began = now_ns();
  SYS(mkdirat, AT_FDCWD, RUN, 0700);
  SYS(mkdirat, AT_FDCWD, LIB, 0700);
  SYS(mkdirat, AT_FDCWD, LOGS, 0755);
  int infra = start_sandbox(executable, results), client = at_socket(RUN "/infra.sock", __NR_connect);
  for (int i = 0; i < CONTAINERS; i++) {
    const struct container *c = &containers[i];
    request = (struct request){ c->clone_flags, i, c->cgroup, { 0 }, c->bytes, 0, { 0 } };
    for (int k = 0; k < 5; k++) request.keep[k] = c->keep[k];
    c->host(results);
    save();
    fds[0] = memory_file(c->bytes);
    send(client, &request, fds, c->descriptors(results, fds));
    SYS(close, fds[0]);
    c->close(results);
  }
  for (int i = 0; i < CONTAINERS; i++) {
    if (receive(client, &request, fds) < 0) give_up(0, -ECHILD);
  }
  u64 took = now_ns() - began;
  write_number(1, took, ' ');
  write_number(1, (u64)infra, '\n');
  SYS(exit_group, 0);
  __builtin_unreachable();
}

#else /* what stands in for infra */

static int poll_fd, children;
static struct { int pipe, pid, client; } watched[MAX_WATCHED];

static void watch(int fd, u64 kind, u64 index) {
  struct epoll_event event = { EPOLLIN, kind << 32 | index };
  SYS(epoll_ctl, poll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int is_kept(const struct request *request, int index) {
  for (int k = 0; k < 5; k++) {
    if (request->keep[k] == index) return 1;
  }
  return 0;
}

static void spawn(int client, struct request *request, int *fds, int count) {
  struct clone_args args = { .flags = request->clone_flags, .exit_signal = SIGCHLD_ };
  const u64 none = 0;
  static long results[MAX_RESULTS];
  int pipe[2];
  must(SYS(pipe2, pipe, O_CLOEXEC | O_NONBLOCK));
  long map = must(SYS(mmap, 0, request->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fds[0], 0));
  if (request->cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = (u64)fds[request->cgroup];
  }
  int pid = (int)must(SYS(clone3, &args, sizeof args));
  if (pid == 0) {
    SYS(rt_sigprocmask, SIG_SETMASK_, &none, 0, sizeof none);
    if (request->container < 0) child_sandbox(results, fds, pipe[1]);
    else containers[request->container].child(results, fds, pipe[1]);
    give_up(0, -ENOEXEC);
  }
  SYS(munmap, map, request->bytes);
  SYS(close, pipe[1]);
  for (int i = 0; i < count; i++) {
    if (!is_kept(request, i)) SYS(close, fds[i]);
    else SYS(fcntl, fds[i], F_SETFL, O_NONBLOCK);
  }
  for (int k = 0; k < 2; k++) {
    if (request->keep[k] >= 0) watch(fds[request->keep[k]], 9, 0);
  }
  watch(pipe[0], 2, (u64)children);
  watched[children].pipe = pipe[0];
  watched[children].pid = pid;
  watched[children++].client = client;
}

/* The pipe's end is the execve. */
static void hear(int child) {
  u8 said[12];
  struct request answer = { 0 };
  while (SYS(read, watched[child].pipe, said, sizeof said) > 0) {}
  SYS(epoll_ctl, poll_fd, EPOLL_CTL_DEL, watched[child].pipe, 0);
  SYS(close, watched[child].pipe);
  answer.pid = watched[child].pid;
  send(watched[child].client, &answer, 0, 0);
}

__attribute__((noreturn, used)) void start(void) {
  const u64 set = 1ul << (SIGCHLD_ - 1), defaults[4] = { 0 }, all = ~0ul;
  int serving = 0, size = sizeof serving, fds[MAX_DESCRIPTORS];
  struct epoll_event events[8];
  struct request request;
  SYS(close_range, 4, ~0u);
  SYS(fcntl, 3, F_SETFD, FD_CLOEXEC);
  SYS(rt_sigprocmask, SIG_BLOCK_, &all, 0, sizeof all);
  for (int signal = 1; signal <= LAST_SIGNAL; signal++) SYS(rt_sigaction, signal, defaults, 0, sizeof set);
  SYS(prctl, PR_SET_DUMPABLE, 0);
  SYS(prctl, PR_SET_NAME, "floor");
  SYS(prctl, PR_SET_CHILD_SUBREAPER, 1);
  long me = SYS(getpid);
  SYS(pidfd_open, me, 0);
  poll_fd = (int)SYS(epoll_create1, EPOLL_CLOEXEC);
  int signals = (int)SYS(signalfd4, -1, &set, sizeof set, SFD_FLAGS);
  watch(signals, 3, 0);
  SYS(getsockopt, 3, SOL_SOCKET_, SO_ACCEPTCONN_, &serving, &size);
  watch(3, !serving, 3);
  for (;;) {
    s64 n = SYS(epoll_pwait, poll_fd, events, 8, -1, 0, 8);
    for (s64 i = 0; i < n; i++) {
      u64 kind = events[i].data >> 32;
      int index = (int)events[i].data;
      if (kind == 2) hear(index);
      if (kind == 0) {
        index = (int)must(SYS(accept4, 3, 0, 0, SOCK_CLOEXEC_));
        watch(index, 1, (u64)index);
      }
      if (kind != 1) continue;
      int count = receive(index, &request, fds);
      if (count >= 0) spawn(index, &request, fds, count);
      else if (!serving) SYS(exit_group, 0);
      else SYS(close, index);
    }
  }
}
#endif
