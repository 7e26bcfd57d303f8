/* A library that stands in for libstrata.so where a test needs known figures: it leaves a
 * strata_stats file with figures made up from FIGURES_* variables and allocates nothing.
 *
 *   FIGURES_FINAL=0    the last snapshot is not the final one
 *   FIGURES_VERSION=N  the version that the file claims
 *   FIGURES_NONE=1     no file
 *   FIGURES_RESOURCES=1  two resources of the program behind the figures
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "strata/strata.h"
#include "strata/watch.h"

static unsigned number_from(const char* name, unsigned otherwise) {
  const char* text = getenv(name);
  return text != NULL ? (unsigned)atoi(text) : otherwise;
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void fill_in(strata_stats* stats) {
  stats->version = number_from("FIGURES_VERSION", STRATA_STATS_VERSION);
  stats->struct_bytes = sizeof *stats;
  stats->flags = STRATA_STATS_COUNTED;
  if (number_from("FIGURES_FINAL", 1)) stats->flags |= STRATA_STATS_FINAL;
  stats->class_count = 2;
  stats->pid = getpid();
  stats->parent_pid = getppid();
  stats->taken_ns = now_ns();
  stats->started_ns = stats->taken_ns - 1000000000u;
  if (readlink("/proc/self/exe", stats->program, sizeof stats->program - 1) < 0) abort();
  stats->allocations = 1234567;
  stats->frees = 1234000;
  stats->failures = 3;
  stats->live_blocks = 567;
  stats->live_bytes = 10 << 20;
  stats->peak_live_bytes = 30 << 20;
  stats->rounding_bytes = 1 << 20;
  stats->free_slot_bytes = 2 << 20;
  stats->cached_bytes = 512 << 10;
  stats->retained_bytes = 4 << 20;
  stats->metadata_bytes = 256 << 10;
  stats->returned_bytes = 64 << 20;
  stats->returns = 12;
  stats->resident_bytes = 20 << 20;
  stats->peak_resident_bytes = 48 << 20;
  stats->limit_bytes = number_from("STRATA_LIMIT", 0);
  stats->threads = 2;
  stats->histogram[4] = 1000000;
  stats->histogram[6] = 234567;
  stats->classes[0] = (strata_class_stats){.size = 16,
                                           .allocations = 1000000,
                                           .frees = 999500,
                                           .requested = 12000000,
                                           .live_blocks = 500};
  stats->classes[1] = (strata_class_stats){
      .size = 64, .allocations = 234567, .frees = 234500, .requested = 12000000, .live_blocks = 67};
}

static void fill_in_resources(strata_watch_table* table) {
  table->version = STRATA_WATCH_VERSION;
  table->row_bytes = sizeof(strata_watch_row);
  table->count = 2;
  table->unlisted = 3;
  table->rows[0] = (strata_watch_row){.name = "frames",
                                      .kind = "bump",
                                      .made = 7,
                                      .live_bytes = 1000,
                                      .live_blocks = STRATA_WATCH_NONE,
                                      .held_bytes = 2048,
                                      .peak_live_bytes = 1500};
  table->rows[1] = (strata_watch_row){.name = "sessions",
                                      .kind = "object_pool<session>",
                                      .instances = 1,
                                      .made = 1,
                                      .live_bytes = 64 << 10,
                                      .live_blocks = 256,
                                      .held_bytes = 128 << 10,
                                      .peak_live_bytes = 96 << 10};
}

__attribute__((constructor)) static void leave_figures(void) {
  const char* directory = getenv("STRATA_STATS_DIR");
  if (directory == NULL || number_from("FIGURES_NONE", 0)) return;
  static struct {
    strata_stats stats;
    strata_watch_table resources;
  } figures;
  fill_in(&figures.stats);
  size_t bytes = sizeof figures.stats;
  if (number_from("FIGURES_RESOURCES", 0)) {
    fill_in_resources(&figures.resources);
    bytes = sizeof figures;
  }
  char path[4096];
  snprintf(path, sizeof path, "%s/%d.stats", directory, (int)getpid());
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || write(file, &figures, bytes) != (ssize_t)bytes) abort();
  close(file);
}
