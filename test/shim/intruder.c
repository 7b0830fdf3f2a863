/*
 * intruder: another container's process that may write to the rendezvous, and means no good.
 *
 * intruder swap KIND TARGET PATH...   as fast as it can, put something of this kind in the place of each path and take
 * it away again intruder watch opened|used PATH...  say each time when one of these is opened (by O_PATH, too, on older
 * kernels), or only when it is read or written
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static void die(const char *what) {
  fprintf(stderr, "intruder: %s: %s\n", what, strerror(errno));
  exit(99);
}

static int make_socket(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -1;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  int made = bind(fd, (struct sockaddr *)&address, sizeof address);
  close(fd);
  return made;
}

static int make(const char *kind, const char *target, const char *path) {
  if (strcmp(kind, "link") == 0) return symlink(target, path);
  if (strcmp(kind, "folder") == 0) return mkdir(path, 0777);
  if (strcmp(kind, "socket") == 0) return make_socket(path);
  if (strcmp(kind, "device") == 0) return mknod(path, S_IFCHR | 0666, makedev(1, 5)); /* /dev/zero: never at its end */
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (fd < 0) return -1;
  fchmod(fd, 0666);
  if (write(fd, "theirs\n", 7) != 7) die(path);
  return close(fd);
}

static void take_away(const char *path) {
  if (unlink(path) < 0) rmdir(path);
}

static void swap(int count, char **words) {
  const char *kind = words[0], *target = words[1];
  puts("swapping");
  fflush(stdout);
  for (;;) {
    for (int i = 2; i < count; i++) {
      take_away(words[i]);
      make(kind, target, words[i]);
    }
    for (int i = 2; i < count; i++) take_away(words[i]);
  }
}

static void watch(int count, char **words) {
  int fd = inotify_init1(IN_CLOEXEC);
  uint32_t mask = IN_ACCESS | IN_MODIFY | (strcmp(words[0], "opened") == 0 ? IN_OPEN | IN_ATTRIB : 0);
  for (int i = 1; i < count; i++)
    if (inotify_add_watch(fd, words[i], mask) < 0) die(words[i]);
  puts("watching");
  fflush(stdout);
  char events[4096];
  for (ssize_t length; (length = read(fd, events, sizeof events)) > 0;) {
    const struct inotify_event *event;
    for (char *at = events; at < events + length; at += sizeof *event + event->len) {
      event = (const struct inotify_event *)at;
      if (event->mask & mask) puts(words[0]);
    }
    fflush(stdout);
  }
}

int main(int argc, char **argv) {
  prctl(PR_SET_PDEATHSIG, 9);
  if (argc > 4 && strcmp(argv[1], "swap") == 0) swap(argc - 2, argv + 2);
  if (argc > 3 && strcmp(argv[1], "watch") == 0) watch(argc - 2, argv + 2);
  fprintf(stderr, "usage: intruder swap KIND TARGET PATH... | watch opened|used PATH...\n");
  return 99;
}
