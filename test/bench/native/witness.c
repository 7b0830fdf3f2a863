/*
 * witness: the processes of the benchmark's pods, which know to the microsecond when something happened to them. Times
 * are nanoseconds of CLOCK_MONOTONIC (node's process.hrtime), written to FILE as 8 bytes in the machine's order.
 *
 *   witness exit FILE MILLISECONDS   run that long, write the time, exit at once
 *   witness term FILE                wait for TERM, write the time, exit
 *   witness sleep                    wait for ever
 *   witness relay A... ++ B...       start A and B, print A's pid, send TERM to B when A has ended: the yardstick, as
 *                                    quick as a parent of both can be
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

/* FILE in memory, so that noting a time is one store. */
static volatile int64_t *note_in(const char *file) {
  int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0 || ftruncate(fd, sizeof(int64_t)) < 0) die(file);
  void *note = mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (note == MAP_FAILED) die(file);
  *(volatile int64_t *)note = 0; /* the page is dirty from now on: no fault when it counts */
  return note;
}

static pid_t start(char **argv) {
  pid_t pid;
  posix_spawnattr_t attributes;
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  int error = posix_spawn(&pid, argv[0], NULL, &attributes, argv, environ);
  if (error) {
    fprintf(stderr, "witness: %s: %s\n", argv[0], strerror(error));
    exit(1);
  }
  return pid;
}

static int relay(char **argv) {
  char **b = argv;
  while (*b && strcmp(*b, "++") != 0) b++;
  if (!*b) return 2;
  *b++ = NULL;
  pid_t second = start(b), first = start(argv);
  printf("%d\n", first);
  fflush(stdout);
  waitpid(first, NULL, 0);
  kill(second, SIGTERM);
  waitpid(second, NULL, 0);
  return 0;
}

int main(int argc, char **argv) {
  const char *role = argc > 1 ? argv[1] : "";
  if (strcmp(role, "exit") == 0 && argc == 4) {
    volatile int64_t *note = note_in(argv[2]);
    usleep((useconds_t)atoi(argv[3]) * 1000);
    *note = now();
    _exit(0);
  }
  if (strcmp(role, "term") == 0 && argc == 3) {
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    volatile int64_t *note = note_in(argv[2]);
    int signal;
    if (sigwait(&term, &signal) != 0) die("sigwait");
    *note = now();
    _exit(0);
  }
  if (strcmp(role, "sleep") == 0) {
    for (;;) pause();
  }
  if (strcmp(role, "relay") == 0 && argc > 4) return relay(argv + 2);
  fprintf(stderr, "usage: witness exit FILE MILLISECONDS | term FILE | sleep | relay A... ++ B...\n");
  return 2;
}
