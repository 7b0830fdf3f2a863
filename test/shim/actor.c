/*
 * actor: what the containers of the process tests run. One static program with a few small parts, so that a test can
 * put it alone into an empty root. It says what it sees in a log that all containers of a test append to.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE 15
extern char **environ;

static void die(const char *what) {
  fprintf(stderr, "actor: %s: %s\n", what, strerror(errno));
  exit(99);
}

/* The kernel's calls: libc keeps signals 32 and 33 for itself. */
static void set_mask(uint64_t mask) { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask); }
static int next_signal(int seconds) {
  uint64_t all = ~(uint64_t)0;
  struct timespec patience = {seconds, 0};
  return (int)syscall(SYS_rt_sigtimedwait, &all, NULL, seconds < 0 ? NULL : &patience, sizeof all);
}
static void dispose(int sig, void *handler) {
  char action[64] = {0};
  memcpy(action, &handler, sizeof handler);
  syscall(SYS_rt_sigaction, sig, action, NULL, 8);
}

/* A whole line or nothing: appended in one write. */
static void note(int fd, const char *name, const char *what) {
  char line[512];
  int length = snprintf(line, sizeof line, "%s %s\n", name, what);
  if (write(fd, line, (size_t)length) != length) die("write to the log");
}
static int open_log(const char *path) {
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) die(path);
  return fd;
}

/* run LOG NAME CODE: say that it runs, and end. */
static int run(char **argv) {
  note(open_log(argv[0]), argv[1], "runs");
  return atoi(argv[2]);
}

/* noted LOG LINE: whether that line stands in the log. */
static int noted(char **argv) {
  char line[512];
  FILE *log = fopen(argv[0], "r");
  if (!log) die(argv[0]);
  while (fgets(line, sizeof line, log)) {
    line[strcspn(line, "\n")] = 0;
    if (!strcmp(line, argv[1])) return 0;
  }
  return 1;
}

/* serve LOG NAME [SIGNAL=CODE]...: say every signal that comes; end at one of those that are named. */
static int serve(int argc, char **argv) {
  set_mask(~(uint64_t)0);
  int fd = open_log(argv[0]);
  note(fd, argv[1], "up");
  for (;;) {
    int sig = next_signal(-1);
    char text[64];
    if (sig <= 0 || sig == SIGCHLD) continue;
    snprintf(text, sizeof text, "got %d", sig);
    note(fd, argv[1], text);
    for (int i = 2; i < argc; i++) {
      int number, code;
      if (sscanf(argv[i], "%d=%d", &number, &code) != 2 || number != sig) continue;
      note(fd, argv[1], "ends");
      return code;
    }
  }
}

/* die SIGNAL: of that signal. */
static int die_of(char **argv) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  /* The kernel's call: libc refuses 32 and 33. */
  syscall(SYS_kill, getpid(), atoi(argv[0]));
  return 98;
}

static int is_uncatchable(int sig) { return sig == SIGKILL || sig == SIGSTOP; }
static int stays_with_shim(int sig) { return is_uncatchable(sig) || sig == SIGCHLD || sig == SIGURG; }

/* bounce [SIGNAL...]: send every signal but these to the parent and see it come back, once; those that it keeps not. */
static int bounce(int argc, char **argv) {
  set_mask(~(uint64_t)0);
  int missing = 0;
  kill(getppid(), SIGCHLD);
  kill(getppid(), SIGURG);
  for (int sig = 1; sig <= 64; sig++) {
    int left_out = stays_with_shim(sig);
    for (int i = 0; i < argc; i++) left_out |= atoi(argv[i]) == sig;
    if (left_out) continue;
    if (syscall(SYS_kill, getppid(), sig) < 0) die("kill");
    int got = next_signal(DEADLINE);
    if (got != sig) printf("sent %d, got %d\n", sig, got), missing++;
  }
  /* What was sent before this one, twice or by mistake, is pending by now. */
  kill(getppid(), SIGUSR1);
  for (int sig = 0; sig != SIGUSR1;) {
    sig = next_signal(DEADLINE);
    if (sig < 0) break;
    if (sig != SIGUSR1) printf("got %d once more\n", sig), missing++;
  }
  printf("bounced, %d wrong\n", missing);
  return missing ? 1 : 0;
}

static void print_hex(const char *label, char **list) {
  printf("\"%s\":[", label);
  for (char **item = list; *item; item++) {
    printf("%s\"", item == list ? "" : ",");
    for (unsigned char *c = (unsigned char *)*item; *c; c++) printf("%02x", *c);
    printf("\"");
  }
  printf("],");
}

/* report [WORD...]: what this process is and has, as one line of JSON, without /proc. */
static int report(char **argv) {
  char cwd[4096] = "", separator = ' ';
  uint64_t blocked = 0, empty = 0;
  gid_t groups[64];
  int count = getgroups(64, groups);
  mode_t mask = umask(0);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &empty, &blocked, sizeof blocked);
  printf("{\"fds\":[");
  for (int fd = 0; fd < 1024; fd++)
    if (fcntl(fd, F_GETFD) >= 0) printf("%c%d", separator, fd), separator = ',';
  printf("],\"groups\":[");
  for (int i = 0; i < count; i++) printf("%s%u", i ? "," : "", groups[i]);
  printf("],\"notDefault\":[");
  separator = ' ';
  for (int sig = 1; sig <= 64; sig++) {
    char action[64] = {0};
    void *handler;
    syscall(SYS_rt_sigaction, sig, NULL, action, 8);
    memcpy(&handler, action, sizeof handler);
    if (handler != SIG_DFL) printf("%c%d", separator, sig), separator = ',';
  }
  printf("],");
  print_hex("argv", argv);
  print_hex("env", environ);
  if (!getcwd(cwd, sizeof cwd)) die("getcwd");
  printf("\"blocked\":\"%llx\",\"pid\":%d,\"group\":%d,\"foreground\":%d,\"session\":%d,", (unsigned long long)blocked,
         getpid(), getpgrp(), tcgetpgrp(0), getsid(0));
  printf("\"uid\":%u,\"gid\":%u,\"umask\":%u,\"nofile\":%llu,\"cwd\":\"%s\"}\n", getuid(), getgid(), mask,
         (unsigned long long)files.rlim_cur, cwd);
  return 0;
}

static void pass_time(void) { nanosleep(&(struct timespec){0, 2000000}, NULL); }

/* orphan: leave a grandchild that ends; wait until it is no longer there, not even as a zombie. */
static int orphan(void) {
  int ids[2], gate[2];
  if (pipe(ids) < 0 || pipe(gate) < 0) die("pipe");
  pid_t child = fork();
  if (child == 0) {
    pid_t grandchild = fork();
    if (grandchild == 0) {
      char c;
      close(gate[1]);
      /* Until everybody else has let go of the gate: then its parent has gone. */
      _exit(read(gate[0], &c, 1) == 0 ? 0 : 1);
    }
    _exit(write(ids[1], &grandchild, sizeof grandchild) == sizeof grandchild ? 0 : 1);
  }
  pid_t grandchild;
  if (read(ids[0], &grandchild, sizeof grandchild) != sizeof grandchild) die("read");
  waitpid(child, NULL, 0);
  close(gate[1]);
  for (int tries = 0; tries < DEADLINE * 500; tries++) {
    if (kill(grandchild, 0) < 0 && errno == ESRCH) return puts("reaped"), 0;
    pass_time();
  }
  return puts("still a zombie"), 1;
}

/* litter CODE: end and leave two processes that ignore every signal and hold the output open: a child, and a daemon. */
static int litter(char **argv) {
  int ready[2];
  if (pipe(ready) < 0) die("pipe");
  for (int daemon = 0; daemon < 2; daemon++) {
    if (fork() != 0) continue;
    if (daemon) setsid();
    if (daemon && fork() != 0) _exit(0);
    for (int sig = 1; sig <= 64; sig++) dispose(sig, SIG_IGN);
    if (write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char c;
  for (int i = 0; i < 2; i++)
    if (read(ready[0], &c, 1) != 1) die("read");
  puts("littered");
  fflush(stdout);
  if (atoi(argv[0]) >= 0) return atoi(argv[0]);
  for (;;) pause();
}

/* pending SIGNAL COMMAND...: become the command with that signal blocked and sent already. */
static int pending(char **argv) {
  set_mask(~(uint64_t)0);
  pid_t child = fork();
  if (child == 0) _exit(kill(getppid(), atoi(argv[0])) < 0);
  /* Not waited for by signal: SIGCHLD stays pending too, as noise. */
  waitpid(child, NULL, 0);
  execv(argv[1], argv + 1);
  die(argv[1]);
  return 0;
}

static void queue(pid_t to, int sig, uintptr_t value) {
  if (sigqueue(to, sig, (union sigval){.sival_ptr = (void *)value}) < 0) die("sigqueue");
}

/* queued SIGNAL COUNT COMMAND...: become the command with that signal sent COUNT times, with the values 1 to COUNT. */
static int queued(char **argv) {
  set_mask(~(uint64_t)0);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 1; i <= atoi(argv[1]); i++) queue(getppid(), atoi(argv[0]), (uintptr_t)i);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (status != 0) exit(98);
  execv(argv[2], argv + 2);
  die(argv[2]);
  return 0;
}

/* values SIGNAL COUNT: send the parent that signal COUNT times, with the values 1 to COUNT, and see them come back in
 * order. */
static int values(char **argv) {
  set_mask(~(uint64_t)0);
  uint64_t set = (uint64_t)1 << (atoi(argv[0]) - 1);
  struct timespec patience = {DEADLINE, 0};
  for (int i = 1; i <= atoi(argv[1]); i++) queue(getppid(), atoi(argv[0]), (uintptr_t)i);
  for (int i = 1; i <= atoi(argv[1]); i++) {
    siginfo_t info;
    if (syscall(SYS_rt_sigtimedwait, &set, &info, &patience, sizeof set) < 0) return printf("%d did not come\n", i), 1;
    if (info.si_code != SI_QUEUE || (uintptr_t)info.si_value.sival_ptr != (uintptr_t)i)
      return printf("%d came with code %d and value %p\n", i, info.si_code, info.si_value.sival_ptr), 1;
  }
  printf("%s values in order\n", argv[1]);
  return 0;
}

/* echo: send the parent a queued signal with a value of 64 bits, and see it come back as it was sent. */
static int echo(void) {
  uintptr_t value = (uintptr_t)0xfedcba9876543210;
  set_mask(~(uint64_t)0);
  uint64_t set = (uint64_t)1 << (SIGUSR1 - 1);
  struct timespec patience = {DEADLINE, 0};
  siginfo_t info;
  queue(getppid(), SIGUSR1, value);
  if (syscall(SYS_rt_sigtimedwait, &set, &info, &patience, sizeof set) < 0) return puts("nothing came"), 1;
  int right = info.si_code == SI_QUEUE && (uintptr_t)info.si_value.sival_ptr == value && info.si_pid == getpid() &&
              info.si_uid == getuid();
  printf("code %d, value %p, sender %d\n", info.si_code, info.si_value.sival_ptr, info.si_pid == getpid());
  return right ? 0 : 1;
}

static void stop_self(int sig) {
  /* As the programs do that tidy up before they stop. */
  signal(sig, SIG_DFL);
  set_mask(0);
  kill(getpid(), sig);
  signal(sig, stop_self);
}

/* stop-self [SIGNAL...]: stop oneself by each of these, and say that one goes on. */
static int stop_selves(int argc, char **argv) {
  for (int i = 0; i < argc; i++) kill(getpid(), atoi(argv[i]));
  puts("went on");
  return 0;
}

/* reaper: whether orphans come to this process, as it is told when it asks. */
static int reaper(void) {
  int set = 0;
  prctl(PR_GET_CHILD_SUBREAPER, &set, 0, 0, 0);
  printf("process 1: %d, subreaper: %d\n", getpid() == 1, set);
  return 0;
}

/* ignoring COMMAND...: become the command with every signal ignored and blocked. */
static int ignoring(char **argv) {
  for (int sig = 1; sig <= 64; sig++)
    if (!is_uncatchable(sig)) dispose(sig, SIG_IGN);
  set_mask(~(uint64_t)0);
  execv(argv[0], argv);
  die(argv[0]);
  return 0;
}

/* user ID COMMAND...: become the command as that user, without a capability: setpriv is not in an empty image. */
static int user(char **argv) {
  uid_t id = (uid_t)atoi(argv[0]);
  if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0) die("setresuid");
  execv(argv[1], argv + 1);
  die(argv[1]);
  return 0;
}

/* kill-at STEP COMMAND...: KILL the command where it enters or leaves a system call for the STEPth time. */
static int kill_at(char **argv) {
  int status, steps = atoi(argv[0]);
  pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0) die("ptrace");
    execv(argv[1], argv + 1);
    die(argv[1]);
  }
  if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) die("waitpid");
  if (ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0) die("ptrace");
  for (int signal = 0;;) {
    ptrace(PTRACE_SYSCALL, child, NULL, (void *)(intptr_t)signal);
    if (waitpid(child, &status, 0) < 0) die("waitpid");
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
    int call = WSTOPSIG(status) == (SIGTRAP | 0x80);
    signal = call ? 0 : WSTOPSIG(status);
    if (call && --steps <= 0) kill(child, SIGKILL);
  }
}

/* kill-before-open, kill-after-open FILE COMMAND...: KILL the command when it opens a file of that name, or has opened
 * it. */
static int kill_at_open(char **argv, int before) {
  int status, opens = 0;
  pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0) die("ptrace");
    execv(argv[1], argv + 1);
    die(argv[1]);
  }
  if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) die("waitpid");
  if (ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0) die("ptrace");
  for (int signal = 0;;) {
    struct __ptrace_syscall_info info;
    ptrace(PTRACE_SYSCALL, child, NULL, (void *)(intptr_t)signal);
    if (waitpid(child, &status, 0) < 0) die("waitpid");
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
    int call = WSTOPSIG(status) == (SIGTRAP | 0x80);
    signal = call ? 0 : WSTOPSIG(status);
    if (!call || ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof info, &info) <= 0) continue;
    if (info.op == PTRACE_SYSCALL_INFO_EXIT && opens) kill(child, SIGKILL);
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY) continue;
    uint64_t path = 0;
    if (info.entry.nr == SYS_openat) path = info.entry.args[1];
#ifdef SYS_open
    if (info.entry.nr == SYS_open) path = info.entry.args[0];
#endif
    char text[4096];
    struct iovec mine = {text, sizeof text - 1}, theirs = {(void *)(uintptr_t)path, sizeof text - 1};
    ssize_t got = path ? process_vm_readv(child, &mine, 1, &theirs, 1, 0) : -1;
    /* The text may end just before what is not there. */
    for (theirs.iov_len = 256; path && got < 0 && theirs.iov_len > 0; theirs.iov_len--)
      got = process_vm_readv(child, &mine, 1, &theirs, 1, 0);
    if (got < 0) continue;
    text[got] = 0;
    const char *name = strrchr(text, '/');
    opens = name && !strcmp(name + 1, argv[0]);
    if (opens && before) kill(child, SIGKILL);
  }
}

/* deaf COMMAND...: become the command where inotify watches are granted and tell nothing, as on some file systems. */
static int deaf(char **argv) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_inotify_add_watch, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) die("no new privileges");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) die("seccomp");
  execv(argv[0], argv);
  die(argv[0]);
  return 0;
}

/* raw COMMAND...: become the command with an environment and two more words that no shell would make. */
static int raw(int argc, char **argv) {
  char *env[] = {"PATH=/usr/bin:/bin", "BYTES=\xff\xfe\x80", "EMPTY=", "NOEQUALS", "TWICE=1", "TWICE=2", "=odd", NULL};
  char **words = calloc((size_t)argc + 4, sizeof *words);
  for (int i = 0; i < argc; i++) words[i] = argv[i];
  words[argc] = "\xff\xfe\x80";
  words[argc + 1] = "";
  words[argc + 2] = "$(HOME) \xc3\x28";
  execve(argv[0], words, env);
  die(argv[0]);
  return 0;
}

/* read [handle|ignore]: say what comes on standard input, line by line, and with it whose the terminal is. */
static int read_lines(const char *how) {
  char line[256];
  if (!strcmp(how, "ignore")) signal(SIGTSTP, SIG_IGN);
  if (!strcmp(how, "handle")) signal(SIGTSTP, stop_self);
  printf("reading, foreground %d\n", tcgetpgrp(0) == getpgrp());
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    if (strncmp(line, "end ", 4) == 0) return atoi(line + 4);
    printf("read %s", line);
    fflush(stdout);
  }
  puts("end of input");
  return 0;
}

int main(int argc, char **argv) {
  const char *part = argc > 1 ? argv[1] : "";
  char **rest = argv + 2;
  int count = argc - 2;
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  if (!strcmp(part, "exit") && count == 1) return atoi(rest[0]);
  if (!strcmp(part, "run") && count == 3) return run(rest);
  if (!strcmp(part, "noted") && count == 2) return noted(rest);
  if (!strcmp(part, "serve") && count >= 2) return serve(count, rest);
  if (!strcmp(part, "die") && count == 1) return die_of(rest);
  if (!strcmp(part, "bounce")) return bounce(count, rest);
  if (!strcmp(part, "report")) return report(rest);
  if (!strcmp(part, "orphan")) return orphan();
  if (!strcmp(part, "litter") && count == 1) return litter(rest);
  if (!strcmp(part, "pending") && count >= 2) return pending(rest);
  if (!strcmp(part, "ignoring") && count >= 1) return ignoring(rest);
  if (!strcmp(part, "user") && count >= 2) return user(rest);
  if (!strcmp(part, "kill-at") && count >= 2) return kill_at(rest);
  if (!strcmp(part, "kill-before-open") && count >= 2) return kill_at_open(rest, 1);
  if (!strcmp(part, "kill-after-open") && count >= 2) return kill_at_open(rest, 0);
  if (!strcmp(part, "deaf") && count >= 1) return deaf(rest);
  if (!strcmp(part, "raw") && count >= 1) return raw(count, rest);
  if (!strcmp(part, "queued") && count >= 3) return queued(rest);
  if (!strcmp(part, "values") && count == 2) return values(rest);
  if (!strcmp(part, "echo")) return echo();
  if (!strcmp(part, "stop-self")) return stop_selves(count, rest);
  if (!strcmp(part, "reaper")) return reaper();
  if (!strcmp(part, "read")) return read_lines(count > 0 ? rest[0] : "");
  if (!strcmp(part, "pause"))
    for (;;) pause();
  fprintf(stderr, "actor: unknown part '%s'\n", part);
  return 99;
}
