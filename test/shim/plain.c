/*
 * plain: a command that makes one system call and no other, so that a filter of those that its shim makes does not hit
 * it. Without libc.
 *
 * plain        wait for a signal
 * plain DIGIT  end with this code
 */
#include <sys/syscall.h>

static long call(long number, long one, long two) {
  long result;
#if defined(__x86_64__)
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(one), "S"(two) : "rcx", "r11", "memory");
#else
  register long x8 __asm__("x8") = number, x0 __asm__("x0") = one, x1 __asm__("x1") = two;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
  result = x0;
#endif
  return result;
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start: mov %rsp, %rdi\n call begin\n");
#else
__asm__(".globl _start\n_start: mov x0, sp\n bl begin\n");
#endif

void begin(long *stack) {
  const char *word = stack[0] > 1 ? (const char *)stack[2] : 0;
  if (word) call(SYS_exit, *word - '0', 0);
  unsigned long none = 0;
  for (;;) call(SYS_rt_sigsuspend, (long)&none, sizeof none);
}
