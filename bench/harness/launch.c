/* Starts a program under an allocator and tells what it took.
 *
 *   launch FD SECONDS LIBRARY COMMAND [ARGUMENT...]
 *
 * LIBRARY is preloaded into the command, and into it alone; empty for none. Two lines go to the
 * file descriptor FD: the process id as soon as the command has started, and when it has ended
 *
 *   status wall_ns processor_us peak_kib
 *
 * where status is the exit status, 128 + N after signal N, and 999 when the command was stopped
 * because it took longer than SECONDS.
 *
 * Why not from Python: the kernel counts a process's peak from before its exec, when it still has
 * the memory of the process that started it. That of this program is small.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t child = 0;
static volatile sig_atomic_t late = 0;

static void stop_child(int signal_number) {
  (void)signal_number;
  late = 1;
  kill(-child, SIGKILL);
}

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long microseconds(struct timeval time) {
  return time.tv_sec * 1000000LL + time.tv_usec;
}

/* In a group of its own, so that what it starts can be stopped with it; it does not survive us. */
static void become(const char* library, char** command) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (library[0] != 0) {
    setenv("LD_PRELOAD", library, 1);
  } else {
    unsetenv("LD_PRELOAD");
  }
  execvp(command[0], command);
  fprintf(stderr, "launch: cannot run %s: %s\n", command[0], strerror(errno));
  _exit(127);
}

int main(int argc, char** argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: launch FD SECONDS LIBRARY COMMAND [ARGUMENT...]\n");
    return 2;
  }
  const int out = atoi(argv[1]);
  fcntl(out, F_SETFD, FD_CLOEXEC);
  const long long begin = now_ns();
  child = fork();
  if (child < 0) {
    perror("launch: fork");
    return 1;
  }
  if (child == 0) become(argv[3], argv + 4);
  setpgid(child, child);
  signal(SIGALRM, stop_child);
  alarm((unsigned)atoi(argv[2]));
  dprintf(out, "%d\n", (int)child);

  int status = 0;
  struct rusage usage;
  while (wait4(child, &status, 0, &usage) < 0) {
    if (errno == EINTR) continue;
    perror("launch: wait4");
    return 1;
  }
  const long long wall = now_ns() - begin;
  const int code = late ? 999 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  dprintf(out, "%d %lld %lld %ld\n", code, wall,
          microseconds(usage.ru_utime) + microseconds(usage.ru_stime), usage.ru_maxrss);
  return 0;
}
