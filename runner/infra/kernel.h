/* What infra.c needs of the kernel and of a compiler without a C library: the system call, the start, numbers, structs. */
#pragma once
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/wait.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long u64;
typedef long s64;

#ifdef __x86_64__
static inline long call6(long nr, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "+a"(nr) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return nr;
}
__asm__(".text\n.globl _start\n_start: xor %ebp, %ebp\n and $-16, %rsp\n call start\n");
#else /* aarch64 */
static inline long call6(long nr, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
__asm__(".text\n.globl _start\n_start: mov x29, #0\n bl start\n");
#endif

#define SYS(name, ...) SYS_(__NR_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define SYS_(nr, a, b, c, d, e, f, ...) call6((long)(nr), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* What libc's headers would say; the kernel's own headers leave these to it. */
enum { SIG_BLOCK_ = 0, SIG_SETMASK_ = 2, SIGKILL_ = 9, SIGTERM_ = 15, SIGCHLD_ = 17, LAST_SIGNAL = 64 };
enum { SCM_RIGHTS_ = 1, SOL_SOCKET_ = 1, SO_ACCEPTCONN_ = 30, SOCK_CLOEXEC_ = 02000000, SFD_FLAGS = 02004000 };
enum { MSG_CTRUNC_ = 0x8, MSG_DONTWAIT_ = 0x40, MSG_NOSIGNAL_ = 0x4000, MSG_CMSG_CLOEXEC_ = 0x40000000 };
enum { CLOCK_REALTIME_ = 0, SEEK_END_ = 2 };
struct iov { const void *base; u64 length; };
struct msghdr_ { void *name; u32 namelen; struct iov *iov; u64 iovlen; void *control; u64 controllen; u32 flags; };
struct cmsghdr_ { u64 length; s32 level, type; };
enum { CMSG_HEAD = sizeof(struct cmsghdr_) };
struct timespec_ { s64 sec, nsec; };

/* gcc calls these two. From the first byte to the last: text is moved towards the start of its own buffer. */
void *memcpy(void *to, const void *from, u64 n) {
  for (u64 i = 0; i < n; i++) ((u8 *)to)[i] = ((const u8 *)from)[i];
  return to;
}
void *memset(void *to, int value, u64 n) {
  for (u64 i = 0; i < n; i++) ((u8 *)to)[i] = (u8)value;
  return to;
}
