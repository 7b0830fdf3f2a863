/*
 * refuse: becomes a command to which the kernel refuses a system call, as a seccomp profile does.
 *
 * refuse CALL ERRNO COMMAND...   CALL by its name, ERRNO by its number
 * refuse --list FILE COMMAND...  refuse nothing; write to the file which calls the command makes, until it becomes
 * another program. A child's are among them, until it does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL(name)                                                                                                     \
  { #name, SYS_##name }
static const struct {
  const char *name;
  long number;
} CALLS[] = {
#ifdef SYS_open
    CALL(open),
    CALL(stat),
    CALL(lstat),
    CALL(access),
    CALL(poll),
    CALL(pipe),
    CALL(mknod),
    CALL(rename),
    CALL(unlink),
    CALL(rmdir),
    CALL(vfork),
    CALL(fork),
    CALL(getpgrp),
    CALL(dup2),
    CALL(arch_prctl),
    CALL(readlink),
#endif
    CALL(brk),
    CALL(clock_gettime),
    CALL(clone),
    CALL(close),
    CALL(connect),
    CALL(dup3),
    CALL(execve),
    CALL(exit_group),
    CALL(exit),
    CALL(faccessat),
    CALL(fchmod),
    CALL(fcntl),
    CALL(fdatasync),
    CALL(fstat),
    CALL(getpgid),
    CALL(getpid),
    CALL(getppid),
    CALL(getrandom),
    CALL(getsid),
    CALL(getsockname),
    CALL(getsockopt),
    CALL(inotify_add_watch),
    CALL(inotify_init1),
    CALL(ioctl),
    CALL(kill),
    CALL(mknodat),
    CALL(mmap),
    CALL(mprotect),
    CALL(mremap),
    CALL(munmap),
    CALL(newfstatat),
    CALL(openat),
    CALL(pipe2),
    CALL(ppoll),
    CALL(prctl),
    CALL(pwrite64),
    CALL(read),
    CALL(recvfrom),
    CALL(recvmsg),
    CALL(renameat),
    CALL(renameat2),
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigqueueinfo),
    CALL(sendmsg),
    CALL(sendto),
    CALL(set_tid_address),
    CALL(setpgid),
    CALL(setsid),
    CALL(signalfd4),
    CALL(socket),
    CALL(splice),
    CALL(statx),
    CALL(umask),
    CALL(uname),
    CALL(unlinkat),
    CALL(wait4),
    CALL(write),
    CALL(writev),
};
#define COUNT ((int)(sizeof CALLS / sizeof CALLS[0]))

static void die(const char *what) {
  fprintf(stderr, "refuse: %s: %s\n", what, strerror(errno));
  exit(99);
}

static long number_of(const char *name) {
  for (int i = 0; i < COUNT; i++)
    if (strcmp(CALLS[i].name, name) == 0) return CALLS[i].number;
  die(name);
  return -1;
}

static void refuse(const char *name, int error) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number_of(name), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof code[0], code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
    die("seccomp");
}

/* The call that a process is about to make; -1 where it returns from one. */
static long call_of(pid_t pid) {
  struct __ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0) return -1;
  return info.op == PTRACE_SYSCALL_INFO_ENTRY ? (long)info.entry.nr : -1;
}

/* The pid of the command stays this program's: it is the child that looks on. */
static void list(const char *path, char **command) {
  int go[2];
  char word;
  if (pipe(go) < 0) die("pipe");
  pid_t traced = getpid(), looker = fork();
  if (looker != 0) {
    close(go[1]);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    if (read(go[0], &word, 1) < 0) die("pipe");
    close(go[0]);
    execvp(command[0], command);
    die(command[0]);
  }
  if (fork() != 0) _exit(0); /* nobody's child: the command waits for none but its own */
  static char made[1024];
  int begun = 0, status;
  long options =
      PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
  if (ptrace(PTRACE_SEIZE, traced, 0, options) < 0) die("ptrace");
  ptrace(PTRACE_INTERRUPT, traced, 0, 0);
  for (pid_t pid; close(go[1]), (pid = waitpid(-1, &status, __WALL)) > 0;) {
    if (!WIFSTOPPED(status)) continue;
    int signal = WSTOPSIG(status), event = status >> 16, pass = 0;
    if (event == PTRACE_EVENT_EXEC && pid == traced)
      begun = 1;
    else if (event == PTRACE_EVENT_EXEC) {
      ptrace(PTRACE_DETACH, pid, 0, 0);
      continue;
    }
    if (signal == (SIGTRAP | 0x80)) {
      long call = call_of(pid);
      if (begun && call >= 0 && call < (long)sizeof made) made[call] = 1;
    } else if (event == 0)
      pass = signal;
    ptrace(PTRACE_SYSCALL, pid, 0, pass);
  }
  FILE *file = fopen(path, "a");
  if (!file) die(path);
  for (long call = 0; call < (long)sizeof made; call++) {
    if (!made[call]) continue;
    int i = 0;
    while (i < COUNT && CALLS[i].number != call) i++;
    if (i < COUNT)
      fprintf(file, "%s\n", CALLS[i].name);
    else
      fprintf(file, "#%ld\n", call);
  }
  fprintf(file, "end\n");
  fclose(file);
  _exit(0);
}

int main(int argc, char **argv) {
  if (argc < 4) return 99;
  if (strcmp(argv[1], "--list") == 0) list(argv[2], argv + 3);
  refuse(argv[1], atoi(argv[2]));
  execvp(argv[3], argv + 3);
  return 99;
}
