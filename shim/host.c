/*
 * host: the syscalls that the shim needs, as one QuickJS module. No policy here: what to do with an answer is decided
 * in TypeScript (host.d.ts is this file's other face). A function that fails returns a negative errno; strings are
 * UTF-8; every descriptor is close-on-exec and never 0, 1 or 2, which belong to the container's command.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "quickjs.h"

#define MAX_POLL 1024
#define MAX_READ 65536
#define MAX_ARGS 65536
#define MAX_LIST 4096
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* shim/arguments.c */
char **take_arguments(int argc, char **argv);

extern char **environ;
static int arg_count;
static char **arg_values;

/* The kernel's own 64-bit mask: libc's sigfillset leaves out the signals that it keeps for itself. */
static void block_all_signals(void) {
  uint64_t all = ~(uint64_t)0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof all);
}

/*
 * Called first of all in main: from here on no signal is lost (rule P6). A parent that ignores SIGCHLD hands that on,
 * and then the kernel reaps our children before we hear of their end.
 */
void host_early(int argc, char **argv) {
  block_all_signals();
  char default_action[64] = {0};
  syscall(SYS_rt_sigaction, SIGCHLD, default_action, NULL, 8);
  arg_count = argc;
  arg_values = take_arguments(argc, argv);
}

static JSValue result(JSContext *ctx, long value) { return JS_NewInt32(ctx, value < 0 ? -errno : (int)value); }

/* There will be no command any more: its descriptors are ours. */
static int commandless;

/* Keep clear of the command's own three descriptors, also where the container started with some of them closed. */
static int high(int fd) {
  if (fd < 0 || fd > 2 || commandless) return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3), kept = errno;
  close(fd);
  errno = kept;
  return moved;
}

static int int_arg(JSContext *ctx, JSValueConst value) {
  int32_t n = 0;
  JS_ToInt32(ctx, &n, value);
  return n;
}

static JSValue args(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  JSValue list = JS_NewArray(ctx);
  for (int i = 1; i < arg_count; i++) JS_SetPropertyUint32(ctx, list, i - 1, JS_NewString(ctx, arg_values[i]));
  return list;
}

static JSValue drop_args(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int first = int_arg(ctx, argv[0]) + 1, count = int_arg(ctx, argv[1]);
  if (first < 1 || count < 0 || first > arg_count || count > arg_count - first) return JS_NewInt32(ctx, -EINVAL);
  arg_count -= count;
  /* With the NULL that ends the list. */
  memmove(arg_values + first, arg_values + first + count, (size_t)(arg_count - first + 1) * sizeof *arg_values);
  return JS_NewInt32(ctx, 0);
}

/* The machine that this was built for is the one that it runs on, also where that is emulated. */
static JSValue machine(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
#if defined(__x86_64__)
  return JS_NewString(ctx, "amd64");
#elif defined(__aarch64__)
  return JS_NewString(ctx, "arm64");
#else
#error "no name for this machine"
#endif
}

static JSValue env(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  const char *name = JS_ToCString(ctx, argv[0]);
  const char *value = name ? getenv(name) : NULL;
  JS_FreeCString(ctx, name);
  return value ? JS_NewString(ctx, value) : JS_UNDEFINED;
}

/* The path this program was started by, from the auxiliary vector: /proc may not be there (rule P5). */
static JSValue executable(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  const char *path = (const char *)getauxval(AT_EXECFN);
  return JS_NewString(ctx, path ? path : "");
}

static JSValue pid(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  return JS_NewInt32(ctx, getpid());
}

/* Whether we lead our session, as the first process of a container does. */
static int is_leader(void) { return getsid(0) == getpid(); }

static JSValue leads_session(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  return JS_NewBool(ctx, is_leader());
}

/* Milliseconds of the monotonic clock, which no clock change moves. */
static JSValue now(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return JS_NewFloat64(ctx, (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1000000);
}

static JSValue random_id(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  uint64_t bits = 0;
  if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != sizeof bits) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    bits = (uint64_t)t.tv_sec * 1000000007u + (uint64_t)t.tv_nsec;
  }
  return JS_NewFloat64(ctx, (double)(bits >> 12));
}

/* Two descriptors more, where the limit leaves none: standard input and output, which only a command needs. */
static JSValue give_up_command(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  commandless = 1;
  close(0);
  close(1);
  return JS_UNDEFINED;
}

static JSValue exit_now(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  _exit(int_arg(ctx, argv[0]));
}

/* --- processes --- */

static JSValue open_signals(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  uint64_t all = ~(uint64_t)0;
  return result(ctx, high((int)syscall(SYS_signalfd4, -1, &all, sizeof all, SFD_CLOEXEC | SFD_NONBLOCK)));
}

static JSValue read_signal(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct signalfd_siginfo info;
  if (read(int_arg(ctx, argv[0]), &info, sizeof info) != sizeof info) return JS_NULL;
  JSValue signal = JS_NewObject(ctx);
  JS_SetPropertyStr(ctx, signal, "number", JS_NewInt32(ctx, (int)info.ssi_signo));
  JS_SetPropertyStr(ctx, signal, "sender", JS_NewInt32(ctx, (int)info.ssi_pid));
  JS_SetPropertyStr(ctx, signal, "code", JS_NewInt32(ctx, info.ssi_code));
  if (info.ssi_code == SI_QUEUE) {
    char value[17];
    snprintf(value, sizeof value, "%llx", (unsigned long long)info.ssi_ptr);
    JSValue queued = JS_NewObject(ctx);
    JS_SetPropertyStr(ctx, queued, "sender", JS_NewInt32(ctx, (int)info.ssi_pid));
    JS_SetPropertyStr(ctx, queued, "user", JS_NewInt32(ctx, (int)info.ssi_uid));
    JS_SetPropertyStr(ctx, queued, "value", JS_NewString(ctx, value));
    JS_SetPropertyStr(ctx, signal, "queued", queued);
  }
  return signal;
}

static JSValue subreaper(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  return result(ctx, prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

static JSValue send_signal(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  return result(ctx, syscall(SYS_kill, int_arg(ctx, argv[0]), int_arg(ctx, argv[1])));
}

/* queueSignal(pid, signal, sender, user, value): a signal as sigqueue(3) sent it to us; the value is hexadecimal. */
static JSValue queue_signal(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int pid = int_arg(ctx, argv[0]), number = int_arg(ctx, argv[1]);
  const char *value = JS_ToCString(ctx, argv[4]);
  siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};
  info.si_pid = int_arg(ctx, argv[2]);
  info.si_uid = (uid_t)int_arg(ctx, argv[3]);
  info.si_value.sival_ptr = (void *)(uintptr_t)(value ? strtoull(value, NULL, 16) : 0);
  JS_FreeCString(ctx, value);
  return result(ctx, syscall(SYS_rt_sigqueueinfo, pid, number, &info));
}

static JSValue reap(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int status;
  pid_t child = waitpid(-1, &status, WNOHANG | WUNTRACED);
  if (child == 0) return JS_NULL;
  if (child < 0) return result(ctx, -1);
  JSValue ended = JS_NewObject(ctx);
  JS_SetPropertyStr(ctx, ended, "pid", JS_NewInt32(ctx, child));
  if (WIFEXITED(status)) JS_SetPropertyStr(ctx, ended, "code", JS_NewInt32(ctx, WEXITSTATUS(status)));
  if (WIFSIGNALED(status)) JS_SetPropertyStr(ctx, ended, "signal", JS_NewInt32(ctx, WTERMSIG(status)));
  if (WIFSTOPPED(status)) JS_SetPropertyStr(ctx, ended, "stopped", JS_NewInt32(ctx, WSTOPSIG(status)));
  return ended;
}

/* How a process begins, beside its words. */
struct birth {
  int leads;      /* a session of its own */
  int terminal;   /* on standard input, which that session gets */
  int foreground; /* else: in front of the terminal of our session */
  int silent;     /* nothing on standard input and output */
  int reaper;     /* a child subreaper, as process 1 is */
};

/*
 * In the child, after vfork. SIGTTOU is still blocked, so that handing over the terminal does not stop us. Where a
 * session of its own is refused (a filter of system calls) the process is a job of ours.
 */
static void take_place(const struct birth *birth) {
  if (birth->leads && setsid() >= 0) {
    if (birth->terminal) ioctl(0, TIOCSCTTY, 0);
    return;
  }
  setpgid(0, 0);
  if (birth->foreground) tcsetpgrp(0, getpid());
}

/* The child ends, and says why to its parent. */
static _Noreturn void unstarted(int report, int error) {
  ssize_t written = write(report, &error, sizeof error);
  (void)written;
  _exit(126);
}

/* In the child, after vfork: only syscalls, no return. */
static void become(const char *path, char **argv, pid_t parent, const struct birth *birth, int report) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  /* Killed before that. (A negative pid is one that a filter keeps from us.) */
  pid_t now = getppid();
  if (now != parent && now >= 0 && parent >= 0) unstarted(report, ESRCH);
  take_place(birth);
  if (birth->reaper) prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (birth->silent) {
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
      if (null >= 0)
        dup2(null, fd);
      else
        close(fd);
    if (null > 2) close(null);
  }
  char default_action[64] = {0}; /* the kernel's struct sigaction: SIG_DFL, no flags */
  for (int sig = 1; sig <= 64; sig++) syscall(SYS_rt_sigaction, sig, default_action, NULL, 8);
  uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
  execve(path, argv, environ);
  int error = errno;
  if (write(report, &error, sizeof error) < 0) _exit(126);
  _exit(126);
}

/* The pid of a process that runs path, or -errno of vfork, pipe2 or execve. */
static int start(const char *path, char **argv, const struct birth *birth) {
  int report[2], error = 0;
  if (pipe2(report, O_CLOEXEC) < 0) return -errno;
  report[0] = high(report[0]);
  if (report[0] < 0) error = errno;
  report[1] = high(report[1]);
  if (report[1] < 0) error = errno;
  if (error) { /* without it a failed exec would look like an end */
    if (report[0] >= 0) close(report[0]);
    if (report[1] >= 0) close(report[1]);
    return -error;
  }
  pid_t parent = getpid(), child = vfork();
  if (child == 0) become(path, argv, parent, birth, report[1]);
  if (child < 0) error = errno;
  close(report[1]);
  /* A pipe, not the memory that vfork shares: under user-mode emulation vfork is fork. */
  if (child > 0 && read(report[0], &error, sizeof error) == sizeof error) waitpid(child, NULL, 0);
  close(report[0]);
  return error ? -error : child;
}

/* Whether the terminal is ours to hand over: our group is in front, or the one that we put there has gone. */
static int has_foreground(void) {
  static int had;
  pid_t front = tcgetpgrp(0);
  if (front == getpgrp()) had = 1;
  return front == getpgrp() || (had && front > 0 && kill(-front, 0) < 0 && errno == ESRCH);
}

/* Take away a signal that we have sent to ourselves, and nobody else's. */
static void take_back(int number) {
  uint64_t set = (uint64_t)1 << (number - 1);
  struct timespec none = {0};
  siginfo_t info;
  if (syscall(SYS_rt_sigtimedwait, &set, &info, &none, sizeof set) == number && info.si_pid != getpid())
    syscall(SYS_rt_sigqueueinfo, getpid(), number, &info);
}

/*
 * Whether there is a terminal for a session of our children's: it was that of our own session, which lets go of it the
 * first time. (With the leader of its next session it is free again.) The kernel sends HUP and CONT to the group that
 * was in front, which is ours.
 */
static int give_up_terminal(void) {
  static int given;
  pid_t session;
  if (given || ioctl(0, TIOCGSID, &session) < 0 || session != getpid() || ioctl(0, TIOCNOTTY) < 0) return given;
  take_back(SIGHUP);
  take_back(SIGCONT);
  return given = 1;
}

/*
 * spawn(path, argv, silent, reaper). argv is a list, or the number of the first of this program's own arguments to
 * pass on: those go byte for byte, also where they are no UTF-8.
 */
static JSValue spawn(JSContext *ctx, JSValueConst self, int argc, JSValueConst *args) {
  struct birth birth = {.leads = is_leader(), .silent = JS_ToBool(ctx, args[2]), .reaper = JS_ToBool(ctx, args[3])};
  if (!birth.silent && birth.leads)
    birth.terminal = give_up_terminal();
  else if (!birth.silent)
    birth.foreground = has_foreground();
  const char *path = JS_ToCString(ctx, args[0]);
  if (!path) return JS_NewInt32(ctx, -ENOMEM);
  int started;
  if (JS_IsNumber(args[1])) {
    int first = int_arg(ctx, args[1]) + 1;
    started = first > 0 && first < arg_count ? start(path, arg_values + first, &birth) : -EINVAL;
  } else {
    JSValue length = JS_GetPropertyStr(ctx, args[1], "length");
    int n = int_arg(ctx, length);
    char **argv = n > 0 && n < MAX_ARGS ? calloc((size_t)n + 1, sizeof *argv) : NULL;
    for (int i = 0; argv && i < n; i++) {
      JSValue word = JS_GetPropertyUint32(ctx, args[1], i);
      argv[i] = (char *)JS_ToCString(ctx, word);
      JS_FreeValue(ctx, word);
    }
    int whole = argv != NULL;
    for (int i = 0; argv && i < n; i++) whole = whole && argv[i];
    started = whole ? start(path, argv, &birth) : argv || (n > 0 && n < MAX_ARGS) ? -ENOMEM : -E2BIG;
    for (int i = 0; argv && i < n; i++) JS_FreeCString(ctx, argv[i]);
    free(argv);
  }
  JS_FreeCString(ctx, path);
  return JS_NewInt32(ctx, started);
}

/* 0: a file that we may execute; -EACCES: there, but not that; else why it cannot be found. */
static JSValue can_execute(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct stat s;
  const char *path = JS_ToCString(ctx, argv[0]);
  if (!path) return JS_NewInt32(ctx, -ENOMEM);
  int r = stat(path, &s);
  if (r == 0 && !S_ISREG(s.st_mode)) r = -1, errno = EACCES;
  if (r == 0) r = access(path, X_OK);
  int error = errno;
  JS_FreeCString(ctx, path);
  errno = error;
  return result(ctx, r);
}

/* --- files --- */

static JSValue with_path(JSContext *ctx, JSValueConst value, long (*call)(const char *, long), long extra) {
  const char *path = JS_ToCString(ctx, value);
  if (!path) return JS_NewInt32(ctx, -ENOMEM);
  long r = call(path, extra);
  int error = errno;
  JS_FreeCString(ctx, path);
  errno = error;
  return result(ctx, r);
}

/* fstat, or the call that does the same where a filter knows only one of them. */
static int look(int fd, struct stat *s) {
  int r = fstat(fd, s);
#ifdef SYS_newfstatat
  if (r < 0 && (errno == EPERM || errno == ENOSYS)) r = (int)syscall(SYS_newfstatat, fd, "", s, AT_EMPTY_PATH);
#endif
  return r;
}

/* open and openat, likewise. */
static int open_name(const char *path, int flags) {
  int fd = open(path, flags, 0600);
  if (fd < 0 && (errno == EPERM || errno == ENOSYS)) fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
  return fd;
}

/* Whether two looks were at the same file, of a kind that is wanted. */
static int is_same(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && (a->st_mode & S_IFMT) == (b->st_mode & S_IFMT);
}

/* Open the file that `found`, an O_PATH descriptor of it, stands for; where there is no /proc by its name, if that is
 * still the same file. */
static int open_found(int found, const struct stat *is, const char *path, int flags) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", found);
  int fd = open_name(link, flags);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) fd = open_name(path, flags | O_NOFOLLOW);
  struct stat now;
  if (fd < 0 || (look(fd, &now) == 0 && is_same(is, &now))) return fd;
  close(fd);
  errno = EMEDIUMTYPE;
  return -1;
}

/*
 * Open what has this name only if it is of this kind, and nothing else ever: other containers may exchange names in the
 * rendezvous at any moment, a device's opening may do something, and O_PATH opens nothing.
 */
static int open_kind_of(int found, const char *path, int flags, mode_t kind) {
  struct stat is;
  if (found < 0) return -1;
  int fd = -1;
  if (look(found, &is) == 0) {
    if ((is.st_mode & S_IFMT) == kind)
      fd = open_found(found, &is, path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    else
      errno = EMEDIUMTYPE;
  }
  int error = errno;
  close(found);
  errno = error;
  return high(fd);
}

static int open_kind(const char *path, int flags, mode_t kind) {
  return open_kind_of(open_name(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), path, flags, kind);
}

/* An O_PATH descriptor of what a path from the root leads to, with no link on the way: each folder is opened from the
 * one before it. */
static int find_unlinked(const char *path) {
  int at = open_name("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (const char *rest = path; at >= 0;) {
    char part[NAME_MAX + 1];
    while (*rest == '/') rest++;
    size_t length = strcspn(rest, "/");
    if (length == 0) return at;
    int next = -1;
    errno = ENAMETOOLONG;
    if (length < sizeof part) {
      memcpy(part, rest, length);
      part[length] = 0;
      next = openat(at, part, O_PATH | O_NOFOLLOW | O_CLOEXEC | (rest[length] ? O_DIRECTORY : 0));
    }
    int error = errno;
    close(at);
    errno = error;
    at = next;
    rest += length;
  }
  return -1;
}

static long call_open(const char *path, long mode) {
  switch (mode) {
    case 'r': return open_kind(path, O_RDONLY, S_IFREG);
    case 'w': return open_kind(path, O_WRONLY, S_IFREG);
    case 'l': return open_kind(path, O_RDONLY, S_IFIFO);
    case 'f': return open_kind(path, O_RDWR, S_IFIFO);
    case 'm': return open_kind_of(find_unlinked(path), path, O_RDWR, S_IFREG);
    case 'c': return high(open_name(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC));
    default: return high(open_name(path, O_RDONLY | O_CLOEXEC));
  }
}
static long call_unlink(const char *path, long extra) { return extra ? rmdir(path) : unlink(path); }
/* For all users from its first moment: a chmod afterwards would go by the name, which may be another file's by then. */
static long call_mkfifo(const char *path, long mode) {
  mode_t mask = umask(0);
  long r = mkfifo(path, (mode_t)mode);
  umask(mask);
  return r;
}
static long call_kind(const char *path, long extra) {
  struct stat s;
  return lstat(path, &s) < 0 ? -1 : (long)(s.st_mode & S_IFMT);
}

/*
 * open_file(path, mode): "r" read and "w" write a regular file that is there, "l" listen to and "f" hold a FIFO, "c"
 * create a file anew, all without following a link; "m" read and write a regular file, without one in its folders'
 * names either; "x" read, following links.
 */
static JSValue open_file(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  const char *mode = JS_ToCString(ctx, argv[1]);
  int letter = mode ? *mode : 'x';
  JS_FreeCString(ctx, mode);
  return with_path(ctx, argv[0], call_open, letter);
}

static JSValue unlink_file(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  return with_path(ctx, argv[0], call_unlink, 0);
}
static JSValue remove_folder(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  return with_path(ctx, argv[0], call_unlink, 1);
}
static JSValue make_fifo(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  return with_path(ctx, argv[0], call_mkfifo, int_arg(ctx, argv[1]));
}
static JSValue kind_of(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  return with_path(ctx, argv[0], call_kind, 0);
}

/* list(folder): the names in it, as many as there is room for; or -errno. */
static JSValue list(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  const char *path = JS_ToCString(ctx, argv[0]);
  int fd = path ? open_name(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, error = path ? errno : ENOMEM;
  JS_FreeCString(ctx, path);
  DIR *folder = fd < 0 ? NULL : fdopendir(fd);
  if (!folder) {
    errno = error;
    return result(ctx, -1);
  }
  JSValue names = JS_NewArray(ctx);
  struct dirent *entry;
  for (uint32_t n = 0; n < MAX_LIST && (entry = readdir(folder));)
    if (entry->d_name[0] != '.') JS_SetPropertyUint32(ctx, names, n++, JS_NewString(ctx, entry->d_name));
  closedir(folder);
  return names;
}

static JSValue rename_file(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  const char *from = JS_ToCString(ctx, argv[0]), *to = JS_ToCString(ctx, argv[1]);
  int r = from && to ? rename(from, to) : -1, error = from && to ? errno : ENOMEM;
  JS_FreeCString(ctx, from);
  JS_FreeCString(ctx, to);
  errno = error;
  return result(ctx, r);
}

/* Milliseconds since the file's content changed, by the wall clock that file systems use; a file from the future is
 * new. */
static JSValue age(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct stat s;
  struct timespec t;
  if (fstat(int_arg(ctx, argv[0]), &s) < 0) return result(ctx, -1);
  clock_gettime(CLOCK_REALTIME, &t);
  double ms = (double)(t.tv_sec - s.st_mtim.tv_sec) * 1000 + (double)(t.tv_nsec - s.st_mtim.tv_nsec) / 1000000;
  return JS_NewFloat64(ctx, ms < 0 ? 0 : ms);
}

static JSValue set_mode(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  return result(ctx, fchmod(int_arg(ctx, argv[0]), (mode_t)int_arg(ctx, argv[1])));
}

static JSValue close_file(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  return result(ctx, close(int_arg(ctx, argv[0])));
}

/* read_some(fd, max): a string, empty at the end of the file; or -errno. */
static JSValue read_some(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  static char buffer[MAX_READ];
  int max = int_arg(ctx, argv[1]);
  ssize_t n = read(int_arg(ctx, argv[0]), buffer, (size_t)(max > 0 && max < MAX_READ ? max : MAX_READ));
  return n < 0 ? result(ctx, -1) : JS_NewStringLen(ctx, buffer, (size_t)n);
}

/* write_at(fd, text, offset): the bytes written (offset < 0: where the descriptor stands); or -errno. */
static JSValue write_at(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  size_t length = 0;
  const char *text = JS_ToCStringLen(ctx, &length, argv[1]);
  if (!text) return JS_NewInt32(ctx, -ENOMEM);
  int fd = int_arg(ctx, argv[0]), offset = int_arg(ctx, argv[2]);
  ssize_t n = offset < 0 ? write(fd, text, length) : pwrite(fd, text, length, offset);
  /* Where a filter does not know pwrite: a descriptor that was just opened stands at 0. */
  if (n < 0 && offset == 0 && (errno == EPERM || errno == ENOSYS)) n = write(fd, text, length);
  int error = errno;
  JS_FreeCString(ctx, text);
  errno = error;
  return result(ctx, n);
}

static JSValue sync_data(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  return result(ctx, fdatasync(int_arg(ctx, argv[0])));
}

/* copy(from, to): both descriptors, to the end; 0 or -errno. */
static JSValue copy(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  static char buffer[MAX_READ];
  int from = int_arg(ctx, argv[0]), to = int_arg(ctx, argv[1]);
  for (;;) {
    ssize_t n = read(from, buffer, sizeof buffer);
    if (n <= 0) return result(ctx, n);
    for (ssize_t done = 0; done < n;) {
      ssize_t w = write(to, buffer + done, (size_t)(n - done));
      if (w < 0) return result(ctx, -1);
      done += w;
    }
  }
}

/* --- words --- */

/* Into a pipe that others hold too, whose flags are theirs: write would wait for room, splice from a pipe of our own
 * need not. */
static ssize_t splice_out(const char *text, size_t length) {
  int via[2];
  if (pipe2(via, O_CLOEXEC | O_NONBLOCK) < 0) return -1;
  ssize_t n = write(via[1], text, length);
  if (n > 0) n = splice(via[0], NULL, 2, NULL, (size_t)n, SPLICE_F_NONBLOCK);
  int error = errno;
  close(via[0]);
  close(via[1]);
  errno = error;
  return n;
}

/* A terminal's output may be stopped for ever; opened anew it has flags of its own. */
static ssize_t reopen_out(const char *text, size_t length) {
  int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = write(fd, text, length);
  int error = errno;
  close(fd);
  errno = error;
  return n;
}

/* Write to standard error what goes there at once. The bytes written; or -1: EAGAIN, nobody takes it now. Up to
 * PIPE_BUF bytes are one piece. */
ssize_t host_say(const char *text, size_t length) {
  struct stat s;
  if (look(2, &s) < 0) return -1;
  if (S_ISREG(s.st_mode)) return write(2, text, length);
  ssize_t n = -1;
  errno = ENOTSUP;
  if (S_ISFIFO(s.st_mode)) n = splice_out(text, length);
  if (S_ISCHR(s.st_mode)) n = reopen_out(text, length);
  if (S_ISSOCK(s.st_mode)) n = send(2, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n >= 0 || errno == EAGAIN || errno == EPIPE) return n;
  /* Not so here (no /proc, another user's, a filter). What has room takes this much at once, unless somebody else is
   * quicker. */
  struct pollfd out = {.fd = 2, .events = POLLOUT};
  if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT)) return write(2, text, length);
  errno = EAGAIN;
  return -1;
}

static JSValue say(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  size_t length = 0;
  const char *text = JS_ToCStringLen(ctx, &length, argv[0]);
  if (!text) return JS_NewInt32(ctx, -ENOMEM);
  ssize_t n = host_say(text, length);
  int error = errno;
  JS_FreeCString(ctx, text);
  errno = error;
  return result(ctx, n);
}

/* --- waiting --- */

/* watch(folder): a descriptor that becomes readable when a file there comes, changes or goes; or -errno. */
static JSValue watch(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int fd = high(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (fd < 0) return result(ctx, -1);
  const char *folder = JS_ToCString(ctx, argv[0]);
  uint32_t mask = IN_MOVED_TO | IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;
  int r = folder ? inotify_add_watch(fd, folder, mask) : -1, error = folder ? errno : ENOMEM;
  JS_FreeCString(ctx, folder);
  if (r >= 0) return JS_NewInt32(ctx, fd);
  close(fd);
  errno = error;
  return result(ctx, -1);
}

/* poll(fds, events, timeout in ms or -1): what happened to each, in order; or -errno. */
static JSValue poll_all(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct pollfd fds[MAX_POLL];
  JSValue length = JS_GetPropertyStr(ctx, argv[0], "length");
  int n = int_arg(ctx, length);
  if (n > MAX_POLL) return JS_NewInt32(ctx, -E2BIG);
  for (int i = 0; i < n; i++) {
    JSValue fd = JS_GetPropertyUint32(ctx, argv[0], i), events = JS_GetPropertyUint32(ctx, argv[1], i);
    fds[i] = (struct pollfd){.fd = int_arg(ctx, fd), .events = (short)int_arg(ctx, events)};
  }
  if (poll(fds, (nfds_t)n, int_arg(ctx, argv[2])) < 0) return result(ctx, -1);
  JSValue list = JS_NewArray(ctx);
  for (int i = 0; i < n; i++) JS_SetPropertyUint32(ctx, list, i, JS_NewInt32(ctx, fds[i].revents));
  return list;
}

/* --- sockets: for readiness conditions --- */

static socklen_t address_of(const char *host, int port, struct sockaddr_storage *out) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)out;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
  memset(out, 0, sizeof *out);
  if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    return sizeof *v4;
  }
  if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    return sizeof *v6;
  }
  return 0;
}

/* connect(address, port): a socket that is connecting; or -errno (-EINVAL: no numeric address). */
static JSValue connect_to(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  struct sockaddr_storage address;
  const char *host = JS_ToCString(ctx, argv[0]);
  socklen_t length = host ? address_of(host, int_arg(ctx, argv[1]), &address) : 0;
  JS_FreeCString(ctx, host);
  if (length == 0) return JS_NewInt32(ctx, -EINVAL);
  int fd = high(socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd < 0) return result(ctx, -1);
  if (connect(fd, (struct sockaddr *)&address, length) == 0 || errno == EINPROGRESS) return JS_NewInt32(ctx, fd);
  int error = errno;
  close(fd);
  return JS_NewInt32(ctx, -error);
}

static JSValue socket_error(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(int_arg(ctx, argv[0]), SOL_SOCKET, SO_ERROR, &error, &length) < 0) return result(ctx, -1);
  return JS_NewInt32(ctx, -error);
}

/* The numeric addresses of this network namespace's interfaces; none where they cannot be listed. */
static JSValue addresses(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
  JSValue list = JS_NewArray(ctx);
  struct ifaddrs *all = NULL;
  if (getifaddrs(&all) < 0) return list;
  uint32_t n = 0;
  for (struct ifaddrs *i = all; i && n < 32; i = i->ifa_next) {
    char text[INET6_ADDRSTRLEN];
    if (!i->ifa_addr) continue;
    int family = i->ifa_addr->sa_family;
    const void *from = family == AF_INET    ? (const void *)&((struct sockaddr_in *)i->ifa_addr)->sin_addr
                       : family == AF_INET6 ? (const void *)&((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr
                                            : NULL;
    if (from && inet_ntop(family, from, text, sizeof text))
      JS_SetPropertyUint32(ctx, list, n++, JS_NewString(ctx, text));
  }
  freeifaddrs(all);
  return list;
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("args", 0, args),
    JS_CFUNC_DEF("dropArgs", 2, drop_args),
    JS_CFUNC_DEF("machine", 0, machine),
    JS_CFUNC_DEF("env", 1, env),
    JS_CFUNC_DEF("executable", 0, executable),
    JS_CFUNC_DEF("pid", 0, pid),
    JS_CFUNC_DEF("leadsSession", 0, leads_session),
    JS_CFUNC_DEF("now", 0, now),
    JS_CFUNC_DEF("random", 0, random_id),
    JS_CFUNC_DEF("giveUpCommand", 0, give_up_command),
    JS_CFUNC_DEF("exit", 1, exit_now),
    JS_CFUNC_DEF("openSignals", 0, open_signals),
    JS_CFUNC_DEF("readSignal", 1, read_signal),
    JS_CFUNC_DEF("subreaper", 0, subreaper),
    JS_CFUNC_DEF("kill", 2, send_signal),
    JS_CFUNC_DEF("queueSignal", 5, queue_signal),
    JS_CFUNC_DEF("reap", 0, reap),
    JS_CFUNC_DEF("spawn", 4, spawn),
    JS_CFUNC_DEF("canExecute", 1, can_execute),
    JS_CFUNC_DEF("open", 2, open_file),
    JS_CFUNC_DEF("close", 1, close_file),
    JS_CFUNC_DEF("read", 2, read_some),
    JS_CFUNC_DEF("write", 3, write_at),
    JS_CFUNC_DEF("sync", 1, sync_data),
    JS_CFUNC_DEF("copy", 2, copy),
    JS_CFUNC_DEF("age", 1, age),
    JS_CFUNC_DEF("say", 1, say),
    JS_CFUNC_DEF("setMode", 2, set_mode),
    JS_CFUNC_DEF("rename", 2, rename_file),
    JS_CFUNC_DEF("unlink", 1, unlink_file),
    JS_CFUNC_DEF("removeFolder", 1, remove_folder),
    JS_CFUNC_DEF("makeFifo", 2, make_fifo),
    JS_CFUNC_DEF("kindOf", 1, kind_of),
    JS_CFUNC_DEF("list", 1, list),
    JS_CFUNC_DEF("watch", 1, watch),
    JS_CFUNC_DEF("poll", 3, poll_all),
    JS_CFUNC_DEF("connect", 2, connect_to),
    JS_CFUNC_DEF("socketError", 1, socket_error),
    JS_CFUNC_DEF("addresses", 0, addresses),
};

/* One object: JS_SetPropertyFunctionList makes a function when it is first asked for, JS_SetModuleExportList makes all of them at once. */
static int init(JSContext *ctx, JSModuleDef *module) {
  JSValue host = JS_NewObject(ctx);
  if (JS_IsException(host)) return -1;
  JS_SetPropertyFunctionList(ctx, host, functions, COUNT(functions));
  return JS_SetModuleExport(ctx, module, "default", host);
}

JSModuleDef *js_init_module_host(JSContext *ctx, const char *name) {
  JSModuleDef *module = JS_NewCModule(ctx, name, init);
  if (module) JS_AddModuleExport(ctx, module, "default");
  return module;
}
