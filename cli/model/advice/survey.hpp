// How the blocks of each site live, out of one pass over a recording's events: what may be wrong there.
//
//   temporary   a . a . a .            freed by its thread before that allocates again
//   grown       a A . AA . AAA .       a block is given up for a longer one: by realloc, or right after that
//                                      came, which was the site's next
//   waves       aaaaaa ......  aaaa ....   all live blocks go, and none of the site comes meanwhile
//   pinned      |a   |    |  a |       pages whose last live blocks are few and all of the site, when less than
//                                      half of what was once live still is
//
// Recordings have no addresses: pages are those of pools that the survey fills and empties alongside.
// Memory grows with sites and live blocks.
#pragma once

#include <cstdint>
#include <strata/pools.hpp>
#include <unordered_map>
#include <vector>

#include "cli/model/capture/heap.hpp"
#include "cli/model/replay/region_memory.hpp"

namespace strata::cli::advice {

struct site_facts {
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t least_bytes = UINT64_MAX;  // of a block
  std::uint64_t most_bytes = 0;
  std::uint64_t most_live = 0;  // blocks
  std::uint64_t frees = 0;
  std::uint64_t lived_ms = 0;  // sum over freed blocks

  std::uint64_t temporary = 0;
  std::uint64_t growths = 0;
  std::uint64_t resizes = 0;       // of these, by realloc
  std::uint64_t copied_bytes = 0;  // of the blocks that were too short
  std::uint64_t waves = 0;
  std::uint64_t wave_blocks = 0;

  // At the moment at which most was pinned.
  std::uint64_t pinned_bytes = 0;  // of pages, less what is live in them
  std::uint64_t pinning_blocks = 0;
  std::uint64_t pinned_pages = 0;
};

class survey {
 public:
  // of_node: the site of each node. events: how many there will be, to spread looks at pages.
  survey(const std::vector<std::uint32_t>& of_node, std::size_t sites, std::uint64_t events);

  void add(const capture::event& one);
  const std::vector<site_facts>& sites() const { return sites_; }

 private:
  struct placed {
    std::uint64_t block = 0;
    std::uint64_t size = 0;
    std::uint32_t site = 0;
    std::uint32_t thread = 0;
    std::uint64_t time_ms = 0;
    void* address = nullptr;  // null: too long for a pool
  };
  // A stretch from where a site has nothing live to where it has again.
  struct wave {
    std::uint64_t live = 0;
    std::uint64_t blocks = 0;
    std::uint64_t frees = 0;        // one after the other
    std::uint64_t freed_since = 0;  // the event of the first of these
    std::uint64_t early_frees = 0;  // before others were allocated
  };
  // The blocks that a site allocated last.
  struct newest {
    std::uint64_t last = 0;
    std::uint64_t before = 0;
  };
  struct last_made {
    std::uint64_t block = 0;
    bool is_latest = false;  // nothing else has happened in the thread
  };

  void make(const capture::event& one);
  void end(const capture::event& one);
  void note_growth(const capture::event& one, const placed& was);
  void end_in_wave(std::uint32_t site);
  void add_live(placed one);
  void remove_live(const placed& one);
  void look_at_pages();

  const std::vector<std::uint32_t>& of_node_;
  std::vector<site_facts> sites_;
  std::vector<wave> waves_;
  std::vector<newest> newest_;
  replay::region_memory memory_;
  pools pools_{&memory_};
  capture::block_table<placed, &placed::block> live_;
  std::unordered_map<std::uint32_t, last_made> last_made_;  // by thread
  std::unordered_map<std::uint32_t, placed> resizing_;      // by thread
  std::uint64_t live_bytes_ = 0;
  std::uint64_t peak_bytes_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t step_;
};

}  // namespace strata::cli::advice
