/*
 * stderr: becomes a command whose standard error nobody takes anything from.
 *
 * stderr full COMMAND...      a pipe that is full
 * stderr stopped COMMAND...   a terminal whose output was stopped, as by control-S
 * stderr socket COMMAND...    a socket that is full
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static void die(const char *what) {
  fprintf(stderr, "stderr: %s: %s\n", what, strerror(errno));
  exit(99);
}

/* Until it would wait; its flags are as they were then. The other end stays open, in the command too. */
static int filled(int fd) {
  static const char nothing[1024];
  int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  for (size_t size = sizeof nothing; size > 0; size /= 2)
    while (write(fd, nothing, size) > 0)
      ;
  fcntl(fd, F_SETFL, flags);
  return fd;
}

static int stopped(void) {
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) die("terminal");
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  if (slave < 0 || tcflow(slave, TCOOFF) < 0) die("terminal");
  return slave;
}

int main(int argc, char **argv) {
  int ends[2], fd = -1;
  if (argc > 2 && strcmp(argv[1], "full") == 0 && pipe(ends) == 0) fd = filled(ends[1]);
  if (argc > 2 && strcmp(argv[1], "socket") == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0)
    fd = filled(ends[1]);
  if (argc > 2 && strcmp(argv[1], "stopped") == 0) fd = stopped();
  if (fd < 0) die("usage");
  dup2(fd, 2);
  execvp(argv[2], argv + 2);
  return 99;
}
