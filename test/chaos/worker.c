/*
 * worker: what the containers of the chaos run. It writes what it does into the log that all of a pod append to, so
 * that the order of things is the order of lines, and every line bears whose it is: name#attempt.pid.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *who;
static int log_fd, words_count;
static char **words;

static void die(const char *what) {
  fprintf(stderr, "worker: %s: %s\n", what, strerror(errno));
  exit(99);
}

/* The value of KEY=VALUE among the words, else the default. */
static const char *word(const char *key, const char *otherwise) {
  size_t length = strlen(key);
  for (int i = 0; i < words_count; i++)
    if (!strncmp(words[i], key, length) && words[i][length] == '=') return words[i] + length + 1;
  return otherwise;
}
static long number(const char *key, long otherwise) {
  const char *text = word(key, NULL);
  return text ? atol(text) : otherwise;
}

/* The wall clock, which a time namespace leaves alone. */
static long long clock_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}
static long long steady_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void note(const char *what) {
  char line[512];
  int length = snprintf(line, sizeof line, "%lld %s.%d %s\n", clock_ms(), who, getpid(), what);
  if (write(log_fd, line, (size_t)length) != length) die("write to the log");
}

static void finish(int code) {
  char text[32];
  snprintf(text, sizeof text, "ends %d", code);
  note(text);
  /* 128+n: of signal n, as a crash. */
  if (code == 139 || code == 134) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    sigset_t empty;
    sigemptyset(&empty);
    signal(code - 128, SIG_DFL);
    sigprocmask(SIG_SETMASK, &empty, NULL);
    kill(getpid(), code - 128);
  }
  _exit(code);
}

/* A child that no signal ends, and that holds nothing of ours open: what is left of it, its shim must clear away. */
static void leave_helper(void) {
  if (fork() != 0) return;
  for (int sig = 1; sig <= 64; sig++) signal(sig, SIG_IGN);
  for (int fd = 0; fd < 16; fd++) close(fd);
  for (;;) pause();
}

static socklen_t abstract(const char *name, struct sockaddr_un *address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "worker-%s", name);
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address->sun_path + 1));
}

/* What the readiness condition finds, as long as this process lives. */
static int listen_on(const char *kind) {
  int fd, on = 1;
  if (!strcmp(kind, "exec")) {
    struct sockaddr_un address;
    socklen_t length = abstract(word("name", ""), &address);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&address, length) < 0) die("bind");
  } else {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number("port", 0))};
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
  }
  if (listen(fd, 64) < 0) die("listen");
  return fd;
}

static void answer(int fd, int http, int ready) {
  int client = accept(fd, NULL, NULL);
  if (client < 0) return;
  if (http) {
    char request[512];
    const char *text = ready ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 503 Not Yet\r\n\r\n";
    if (read(client, request, sizeof request) < 0 || write(client, text, strlen(text)) < 0) note("lost a client");
  }
  close(client);
}

/* The data of this start, whole only when it was flushed. */
static int data_fd = -1;
static void write_data(const char *text) {
  if (data_fd >= 0 && write(data_fd, text, strlen(text)) != (ssize_t)strlen(text)) die("write data");
}
static void flush_data(long ms) {
  for (int i = 0; i < 4; i++) {
    write_data("record\n");
    usleep((useconds_t)ms * 250);
  }
  write_data("whole\n");
  if (data_fd >= 0) fsync(data_fd);
}

static int first_crash(void) {
  const char *path = word("crashed", "");
  int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0666);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/*
 * live LOG WHO KEY=VALUE...: run until told otherwise.
 *   work=MS,code=N   end by itself then            crash=MS,crashed=FILE,crashcode=N   once, for all starts
 *   ready=none|exec|tcp|http  name= port= delay=MS   what its readiness condition finds, and from when on (none: at
 * once) term=N flush=MS stubborn=1   what it does on TERM   data=PREFIX   its file   helper=1   leave a child behind
 */
static void live(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  close(null);
  if (number("helper", 0)) leave_helper();
  int signals = signalfd(-1, &all, SFD_CLOEXEC);
  const char *kind = word("ready", "");
  int http = !strcmp(kind, "http"), listener = -1, ready = 0;
  if (word("data", NULL)) {
    char path[512];
    snprintf(path, sizeof path, "%s%s.%d", word("data", ""), who, getpid());
    data_fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
    if (data_fd < 0) die(path);
    write_data("begin\n");
  }
  note("up");
  long long began = steady_ms();
  long long ready_at = *kind ? began + number("delay", 0) : -1;
  long long end_at = number("work", -1) < 0 ? -1 : began + number("work", 0);
  long long crash_at = number("crash", -1) < 0 ? -1 : began + number("crash", 0);
  if (http) listener = listen_on(kind);
  for (;;) {
    long long now = steady_ms(), next = -1;
    if (!ready && ready_at >= 0 && now >= ready_at) {
      ready = 1;
      note("ready");
      if (listener < 0 && strcmp(kind, "none")) listener = listen_on(kind);
    }
    if (crash_at >= 0 && now >= crash_at) {
      crash_at = -1;
      if (first_crash()) finish((int)number("crashcode", 1));
    }
    if (end_at >= 0 && now >= end_at) finish((int)number("code", 0));
    long long times[] = {ready ? -1 : ready_at, end_at, crash_at};
    for (int i = 0; i < 3; i++)
      if (times[i] >= 0 && (next < 0 || times[i] < next)) next = times[i];
    struct pollfd fds[] = {{signals, POLLIN, 0}, {listener, POLLIN, 0}};
    if (poll(fds, 2, next < 0 ? -1 : (int)(next - now)) <= 0) continue;
    if (fds[1].revents) answer(listener, http, ready);
    if (!fds[0].revents) continue;
    struct signalfd_siginfo info;
    if (read(signals, &info, sizeof info) != sizeof info || info.ssi_signo != SIGTERM) continue;
    note("got 15");
    if (number("stubborn", 0)) continue;
    flush_data(number("flush", 0));
    finish((int)number("term", 0));
  }
}

/* ask NAME: whether that worker is ready. */
static int ask(const char *name) {
  struct sockaddr_un address;
  socklen_t length = abstract(name, &address);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return connect(fd, (struct sockaddr *)&address, length) < 0;
}

/* hog: take every inotify instance that this user can have, and keep them. */
static void hog(void) {
  struct rlimit many = {65536, 65536};
  int count = 0;
  setrlimit(RLIMIT_NOFILE, &many);
  while (inotify_init1(IN_CLOEXEC) >= 0) count++;
  printf("took %d: %s\n", count, strerror(errno));
  fflush(stdout);
  for (;;) pause();
}

static void put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) die(path);
  close(fd);
}

/*
 * box SECONDS COMMAND...: run the command as process 1 of a pid namespace, with a /proc that shows it and a monotonic
 * clock that is so far ahead, and end as a container runtime says: its code, 128+n for signal n. (util-linux's
 * unshare 2.38 exits 1 when its child was killed.)
 */
static int box(char **argv) {
  int status;
  if (unshare(CLONE_NEWPID | CLONE_NEWNS | (atol(argv[0]) ? CLONE_NEWTIME : 0)) < 0) die("unshare");
  if (atol(argv[0])) {
    char offsets[128];
    snprintf(offsets, sizeof offsets, "monotonic %s 0\nboottime %s 0\n", argv[0], argv[0]);
    put("/proc/self/timens_offsets", offsets);
  }
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) die("mount");
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL) < 0) die("mount /proc");
    execvp(argv[1], argv + 1);
    die(argv[1]);
  }
  if (waitpid(child, &status, 0) < 0) die("waitpid");
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv) {
  const char *part = argc > 1 ? argv[1] : "";
  if (!strcmp(part, "live") && argc >= 4) {
    log_fd = open(argv[2], O_WRONLY | O_APPEND | O_CLOEXEC);
    if (log_fd < 0) die(argv[2]);
    who = argv[3];
    words = argv + 4;
    words_count = argc - 4;
    live();
  }
  if (!strcmp(part, "ask") && argc == 3) return ask(argv[2]);
  if (!strcmp(part, "box") && argc >= 4) return box(argv + 2);
  if (!strcmp(part, "hog")) hog();
  fprintf(stderr, "worker: unknown part '%s'\n", part);
  return 99;
}
