/* device_filter_probe PROGRAM CGROUP PATH...
 * Loads the eBPF program in the file PROGRAM, attaches it to the v2 cgroup, enters the cgroup and opens each path for
 * reading, printing the errno, 0 for none. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char code[1 << 16];
static char log_text[1 << 16];

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n%s", what, strerror(errno), log_text);
  return 125;
}

int main(int argc, char **argv) {
  if (argc < 4) return 125;
  int file = open(argv[1], O_RDONLY | O_CLOEXEC);
  ssize_t size = read(file, code, sizeof code);
  if (size <= 0) return fail("read");

  union bpf_attr load = { 0 };
  load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  load.insns = (__u64)(unsigned long)code;
  load.insn_cnt = (__u32)(size / 8);
  load.license = (__u64)(unsigned long)"Apache-2.0";
  int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
  if (program < 0) {
    load.log_buf = (__u64)(unsigned long)log_text;
    load.log_size = sizeof log_text;
    load.log_level = 1;
    syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
    return fail("BPF_PROG_LOAD");
  }

  int cgroup = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  union bpf_attr attach = { 0 };
  attach.target_fd = (__u32)cgroup;
  attach.attach_bpf_fd = (__u32)program;
  attach.attach_type = BPF_CGROUP_DEVICE;
  if (cgroup < 0 || syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) != 0) return fail("BPF_PROG_ATTACH");

  int procs = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  if (write(procs, "0", 1) != 1) return fail("cgroup.procs");
  for (int i = 3; i < argc; i++) {
    int fd = open(argv[i], O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    printf("%d\n", fd < 0 ? errno : 0);
    if (fd >= 0) close(fd);
  }
  return 0;
}
