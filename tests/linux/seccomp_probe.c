/* seccomp_probe FILTER exec PROGRAM ARGS...   installs the filter, then becomes the program
 * seccomp_probe FILTER call NR,ARG,ARG...     installs it, then makes the calls and prints each one's errno, 0 for none
 * seccomp_probe FILTER call32 NR,ARG,...      the same by the 32-bit x86 way, up to three arguments
 * seccomp_probe FILTER time NR                installs it, then prints the nanoseconds that one such call takes
 * FILTER "-" installs none. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct sock_filter code[BPF_MAXINSNS];

static int install(const char *path) {
  if (strcmp(path, "-") == 0) return 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t size = read(fd, code, sizeof code);
  if (fd < 0 || size <= 0) return -1;
  close(fd);
  struct sock_fprog program = { (unsigned short)(size / sizeof *code), code };
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static long make32(const long *words) {
#ifdef __x86_64__
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(words[0]), "b"(words[1]), "c"(words[2]), "d"(words[3])
                   : "memory", "r8", "r9", "r10", "r11");
  if ((int)result >= 0) return result;
  errno = -(int)result;
#else
  (void)words;
  errno = ENOSYS;
#endif
  return -1;
}

static long make(char *text, int is32) {
  long words[7] = { 0 };
  int count = 0;
  for (char *word = strtok(text, ","); word && count < 7; word = strtok(NULL, ","))
    words[count++] = (long)strtoull(word, NULL, 0);
  errno = 0;
  if (is32) return make32(words);
  return syscall(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
}

int main(int argc, char **argv) {
  if (argc < 4 || install(argv[1]) != 0) {
    perror("seccomp_probe");
    return 125;
  }
  if (strcmp(argv[2], "exec") == 0) {
    execv(argv[3], argv + 3);
    return 126;
  }
  if (strcmp(argv[2], "time") == 0) {
    struct timespec begin, end;
    const long nr = atol(argv[3]), times = 1000000;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long i = 0; i < times; i++) syscall(nr, 0, 0, 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
    printf("%.1f\n", ns / (double)times);
    return 0;
  }
  for (int i = 3; i < argc; i++) {
    long result = make(argv[i], strcmp(argv[2], "call32") == 0);
    printf("%d\n", result < 0 ? errno : 0);
  }
  return 0;
}
