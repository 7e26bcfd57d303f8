/* What the resources of a program look like from outside: a table that anybody may read at any time,
 * from another thread, a debugger, or a core dump, and that calls nothing.
 *
 *   libstrata_resources   writes it: strata/watch.hpp
 *   libstrata             copies it into its statistics, which `strata run` shows
 *   gdb                   finds it as strata_watch_root
 *
 * A row is a name and a kind. Rows come, up to STRATA_WATCH_ROWS, and never go; their words change one
 * by one, so that a reader may see them of different moments. All resources of one name and kind
 * share a row: the arenas of a server's requests are one line.
 */
#ifndef STRATA_WATCH_H
#define STRATA_WATCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { STRATA_WATCH_VERSION = 1, STRATA_WATCH_ROWS = 64, STRATA_WATCH_NAME = 48 };

/* A figure that the kind doesn't have. */
#define STRATA_WATCH_NONE UINT64_MAX

typedef struct strata_watch_row {
  char name[STRATA_WATCH_NAME]; /* cut to fit, ends with NUL */
  char kind[STRATA_WATCH_NAME]; /* "synchronized<bump>" */
  uint64_t instances;           /* that there are now */
  uint64_t made;                /* that there have been */
  /* Sums of what the instances last published; without any, what the last of them had at its end. */
  uint64_t live_bytes;
  uint64_t live_blocks;
  uint64_t held_bytes;
  uint64_t peak_live_bytes; /* the most that one of them had */
} strata_watch_row;

typedef struct strata_watch_table {
  uint32_t version;   /* STRATA_WATCH_VERSION */
  uint32_t row_bytes; /* sizeof(strata_watch_row) of who writes it */
  uint32_t count;     /* rows in use; read it before them */
  uint32_t unlisted;  /* registrations that found no row left */
  strata_watch_row rows[STRATA_WATCH_ROWS];
} strata_watch_table;

/* ---- libstrata_resources ---- */

/* Writes the rows as JSON, NUL-terminated and cut to capacity, after asking each resource that may be
 * asked by any thread. Returns the length of the whole text without the NUL (as snprintf does).
 * Allocates nothing. */
size_t strata_watch_json(char* buffer, size_t capacity);

/* ---- libstrata ----
 * Tells it of a table, and that the table is going. libstrata_resources does so where the process has
 * a libstrata. */
void strata_watch_show(const strata_watch_table* table);
void strata_watch_hide(const strata_watch_table* table);

#ifdef __cplusplus
}
#endif
#endif
