/*
 * exec-timer ROUNDS COMMAND... [++ COMMAND...]...: run the commands in turn, ROUNDS times, and print for each round one
 * line with the nanoseconds from posix_spawn to the end of wait4 of each. The commands start one another's neighbours,
 * so that what else the machine does falls on all of them alike. Exits 1 when a command does not exit 0.
 */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define MAX_COMMANDS 16

extern char **environ;

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Nanoseconds that one run took. */
static long long run(char **argv) {
  pid_t pid;
  int status;
  long long from = now();
  int error = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
  if (error) {
    fprintf(stderr, "exec-timer: %s: %s\n", argv[0], strerror(error));
    exit(1);
  }
  if (wait4(pid, &status, 0, NULL) < 0) {
    perror("exec-timer: wait4");
    exit(1);
  }
  long long took = now() - from;
  if (status != 0) {
    fprintf(stderr, "exec-timer: %s ended with wait status %d\n", argv[0], status);
    exit(1);
  }
  return took;
}

int main(int argc, char **argv) {
  char **commands[MAX_COMMANDS];
  int count = 0;
  if (argc < 3) {
    fprintf(stderr, "usage: exec-timer ROUNDS COMMAND... [++ COMMAND...]...\n");
    return 2;
  }
  int rounds = atoi(argv[1]);
  commands[count++] = argv + 2;
  for (int i = 2; i < argc; i++) {
    /* Not "--": the commands have that themselves. */
    if (strcmp(argv[i], "++") != 0) continue;
    argv[i] = NULL;
    if (count < MAX_COMMANDS) commands[count++] = argv + i + 1;
  }
  /* The first round fills the page cache. */
  for (int round = -1; round < rounds; round++) {
    for (int i = 0; i < count; i++) {
      long long took = run(commands[i]);
      if (round >= 0) printf("%lld%c", took, i == count - 1 ? '\n' : ' ');
    }
  }
  return 0;
}
