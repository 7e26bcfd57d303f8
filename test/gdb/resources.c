/* A table as libstrata_resources has it. */
#include <strata/watch.h>

strata_watch_table strata_watch_root;

static void ready(void) {}

int main(void) {
  ready();
  strata_watch_root = (strata_watch_table){
      .version = STRATA_WATCH_VERSION,
      .row_bytes = sizeof(strata_watch_row),
      .count = 2,
      .unlisted = 1,
      .rows = {{.name = "frames",
                .kind = "bump",
                .made = 7,
                .live_bytes = 1000,
                .live_blocks = STRATA_WATCH_NONE,
                .held_bytes = 2048,
                .peak_live_bytes = 1500},
               {.name = "sessions",
                .kind = "object_pool<session>",
                .instances = 3,
                .made = 3,
                .live_bytes = 65536,
                .live_blocks = 256,
                .held_bytes = 131072,
                .peak_live_bytes = 98304}},
  };
  ready();
  return 0;
}
