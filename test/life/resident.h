/* Resident memory of this process, without allocating. */
#ifndef STRATA_TEST_LIFE_RESIDENT_H
#define STRATA_TEST_LIFE_RESIDENT_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static inline size_t resident_bytes(void) {
  char text[128] = {0};
  int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  CHECK(file >= 0);
  CHECK(read(file, text, sizeof text - 1) > 0);
  close(file);
  char* after_total = NULL;
  (void)strtoul(text, &after_total, 10);
  return strtoul(after_total, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

#endif
