/*
 * The shim's own command line, which holds its container's name and every word of its command. Programs look for one
 * another in command lines (pgrep -f, pkill -f): they must find the command alone, and not the process that waits for
 * it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* What a process list shows instead: paths.ts, SHIM_NAME. */
static const char title[] = "curfew-shim";

/*
 * Whether this kernel ends a command line at its first NUL where the byte before its end is none, as setproctitle(3)
 * leaves it (fs/proc/base.c, get_mm_proctitle: since 5.3). From 4.18 to 5.2 it goes on into the environment instead.
 */
static int ends_at_nul(void) {
  struct utsname kernel;
  char *rest;
  if (uname(&kernel) < 0) return 0;
  long major = strtol(kernel.release, &rest, 10);
  long minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
  return major > 5 || (major == 5 && minor >= 3);
}

/*
 * A copy of the arguments, byte for byte; the kernel's own are overwritten with the title. Where there is no memory, or
 * the strings do not stand one after the other (they do where the kernel put them there), nothing is changed and the
 * arguments are the kernel's own. The environment stays where it is: it is what the container has, and scripts read it
 * there (/proc/1/environ).
 */
char **take_arguments(int argc, char **argv) {
  char *end = argc > 0 ? argv[0] : NULL;
  for (int i = 0; i < argc; i++) {
    if (argv[i] != end) return argv;
    end += strlen(end) + 1;
  }
  if (!end) return argv;
  size_t size = (size_t)(end - argv[0]), list = (size_t)(argc + 1) * sizeof *argv;
  /* The first malloc costs four system calls, and no other may be needed. */
  static char *usual[512];
  char **copy = list + size <= sizeof usual ? usual : malloc(list + size);
  if (!copy) return argv;
  char *text = memcpy((char *)copy + list, argv[0], size);
  for (int i = 0; i < argc; i++) copy[i] = text + (argv[i] - argv[0]);
  copy[argc] = NULL;
  char *shown = argv[0];
  memset(shown, 0, size);
  memcpy(shown, title, size < sizeof title ? size - 1 : sizeof title);
  if (size > sizeof title && ends_at_nul()) shown[size - 1] = ' ';
  return copy;
}
