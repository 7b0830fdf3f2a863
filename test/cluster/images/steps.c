/*
 * steps: the one program of a scratch image, and everything that the cluster tests need of a container. Its arguments
 * are steps, done one after the other:
 *
 *   say TEXT        print a line
 *   id              print the user and group that it runs as
 *   sleep SECONDS   go on after that time, signals or not
 *   work SECONDS    the same, but a stop signal ends the program: with 128 + its number, a moment later
 *   until FILE      the same, until the file exists
 *   tick            print a line each second until a stop signal comes
 *   wait            until a stop signal comes
 *   await FILE      until the file exists
 *   filled FILE     until something is in the file
 *   touch FILE      create a file
 *   remove FILE     delete it
 *   have FILE       exit with 1 where the file is missing
 *   refused FILE    exit with 1 where the file can be created
 *   listen PORT     take TCP connections from now on
 *   serve PORT      answer every HTTP request with 200 from now on; a POST of /quitquitquit ends the program with 0
 *   reach PORT      until an HTTP request to this pod is answered with 200
 *   quit PORT       POST /quitquitquit
 *   once FILE CODE  where the file is missing: create it and exit with that code
 *   flush FILE      write lines into it, which takes a moment; the last one is 'whole'
 *   instances       take all inotify instances that this user may have
 *   eat MEGABYTES   use that much memory
 *   exit CODE       end
 *
 * Each line that it prints starts with the time in milliseconds, so that the lines of several containers of one node
 * can be put in order. A stop signal (TERM, INT, QUIT, HUP, WINCH) prints its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* One write per line: two containers may share a file, and a signal handler prints too. */
static void say(const char *text) {
  char line[512];
  int n = snprintf(line, sizeof line, "%lld %s\n", now(), text);
  if (write(1, line, n < (int)sizeof line ? (size_t)n : sizeof line - 1) < 0) _exit(74);
}

static const char *name_of(int sig) {
  switch (sig) {
    case SIGTERM: return "got TERM";
    case SIGINT: return "got INT";
    case SIGQUIT: return "got QUIT";
    case SIGHUP: return "got HUP";
    default: return "got WINCH";
  }
}

static void on_stop(int sig) {
  stopped = sig;
  say(name_of(sig));
}

static void fail(const char *what) {
  fprintf(stderr, "steps: %s: %s\n", what, strerror(errno));
  exit(70);
}

static void create(const char *path) {
  int fd = open(path, O_CREAT | O_WRONLY, 0666);
  if (fd < 0) fail(path);
  close(fd);
}

/* The file is written in place, so a process that is killed leaves a part of it. */
static void flush(const char *path) {
  char line[32];
  int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0666);
  if (fd < 0) fail(path);
  for (int i = 0; i <= 20; i++) {
    int n = snprintf(line, sizeof line, i < 20 ? "line %d\n" : "whole\n", i);
    if (write(fd, line, (size_t)n) != n) fail(path);
    usleep(20000);
  }
  if (fsync(fd) < 0) fail(path);
  close(fd);
  say("flushed");
}

static void pause_until(long long end, int signals) {
  while (now() < end && !(signals && stopped)) {
    struct timespec t = {0, 20000000};
    nanosleep(&t, 0);
  }
}

static int leave(void) {
  pause_until(now() + 300, 0);
  say("leaves");
  return 128 + stopped;
}

static int listen_on(int port) {
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port)};
  int fd = socket(AF_INET6, SOCK_STREAM, 0), again = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again); /* started again, it finds its old connections */
  if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) < 0 || listen(fd, 16) < 0) fail("listen");
  say("listening"); /* the kernel takes the connections; `listen` never reads them */
  return fd;
}

static void on_quit(int sig) {
  (void)sig;
  say("quit");
  _exit(0);
}

/* Another process answers, so that the steps go on. */
static void serve(int port) {
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  struct sigaction quit = {.sa_handler = on_quit};
  sigaction(SIGUSR1, &quit, 0);
  int fd = listen_on(port);
  pid_t parent = getpid(), child = fork();
  if (child < 0) fail("fork");
  if (child > 0) {
    close(fd);
    return;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) {
    char request[1024];
    int client = accept(fd, 0, 0);
    if (client < 0) continue;
    ssize_t n = read(client, request, sizeof request - 1);
    request[n < 0 ? 0 : n] = 0;
    if (write(client, answer, sizeof answer - 1) < 0) say("an answer was lost");
    close(client);
    if (!strncmp(request, "POST /quitquitquit", 18)) kill(parent, SIGUSR1);
  }
}

/* One HTTP request to this pod. Returns whether the answer was 200. */
static int request(int port, const char *line) {
  struct sockaddr_in here = {
      .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  char text[256];
  int fd = socket(AF_INET, SOCK_STREAM, 0), n = snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: pod\r\n\r\n", line);
  int answered = fd >= 0 && connect(fd, (struct sockaddr *)&here, sizeof here) == 0 &&
                 write(fd, text, (size_t)n) == n && read(fd, text, sizeof text) >= 12 && !memcmp(text + 8, " 200", 4);
  if (fd >= 0) close(fd);
  return answered;
}

int main(int argc, char **argv) {
  static const int stops[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGWINCH};
  struct sigaction stop = {.sa_handler = on_stop};
  for (unsigned i = 0; i < sizeof stops / sizeof *stops; i++) sigaction(stops[i], &stop, 0);
  for (int i = 1; i < argc; i++) {
    const char *step = argv[i];
    char line[128];
    if (!strcmp(step, "id")) {
      snprintf(line, sizeof line, "user %d group %d", (int)getuid(), (int)getgid());
      say(line);
    } else if (!strcmp(step, "wait")) {
      while (!stopped) pause_until(now() + 1000, 1);
      stopped = 0;
    } else if (!strcmp(step, "tick")) {
      while (!stopped) {
        say("tick");
        pause_until(now() + 1000, 1);
      }
      stopped = 0;
    } else if (!strcmp(step, "instances")) {
      int n = 0;
      while (inotify_init() >= 0) n++;
      snprintf(line, sizeof line, "took %s", n > 0 && errno == EMFILE ? "all" : "none");
      say(line);
    } else if (i + 1 >= argc) {
      fprintf(stderr, "steps: %s lacks its argument\n", step);
      return 64;
    } else {
      const char *value = argv[++i];
      if (!strcmp(step, "say"))
        say(value);
      else if (!strcmp(step, "sleep"))
        pause_until(now() + (long long)(atof(value) * 1000), 0);
      else if (!strcmp(step, "work")) {
        pause_until(now() + (long long)(atof(value) * 1000), 1);
        if (stopped) return leave();
      } else if (!strcmp(step, "until")) {
        while (access(value, F_OK) < 0 && !stopped) pause_until(now() + 50, 1);
        if (stopped) return leave();
      } else if (!strcmp(step, "await")) {
        while (access(value, F_OK) < 0) pause_until(now() + 50, 0);
      } else if (!strcmp(step, "filled")) {
        struct stat file;
        while (stat(value, &file) < 0 || file.st_size == 0) pause_until(now() + 50, 0);
      } else if (!strcmp(step, "touch"))
        create(value);
      else if (!strcmp(step, "flush"))
        flush(value);
      else if (!strcmp(step, "remove")) {
        if (unlink(value) < 0) fail(value);
      } else if (!strcmp(step, "have")) {
        if (access(value, F_OK) < 0) return 1;
      } else if (!strcmp(step, "refused")) {
        if (open(value, O_CREAT | O_WRONLY, 0666) >= 0) return 1;
        say(strerror(errno));
      } else if (!strcmp(step, "listen"))
        listen_on(atoi(value));
      else if (!strcmp(step, "serve"))
        serve(atoi(value));
      else if (!strcmp(step, "reach")) {
        while (!request(atoi(value), "GET /")) pause_until(now() + 50, 0);
      } else if (!strcmp(step, "quit")) {
        if (!request(atoi(value), "POST /quitquitquit")) return 1;
      } else if (!strcmp(step, "once")) {
        int code = i + 1 < argc ? atoi(argv[++i]) : 64;
        if (access(value, F_OK) < 0) {
          create(value);
          snprintf(line, sizeof line, "failing once with %d", code);
          say(line);
          return code;
        }
      } else if (!strcmp(step, "eat")) {
        size_t size = (size_t)atoi(value) << 20;
        char *memory = malloc(size);
        if (memory == 0) fail("malloc");
        memset(memory, 1, size);
      } else if (!strcmp(step, "exit"))
        return atoi(value);
      else {
        fprintf(stderr, "steps: unknown step %s\n", step);
        return 64;
      }
    }
  }
  return 0;
}
