#include "cli/model/capture/address_map.hpp"

#include <algorithm>
#include <unordered_map>

#include "cli/model/capture/block_table.hpp"

namespace strata::cli::capture {
namespace {

bool by_address(const placed_block& a, const placed_block& b) { return a.address < b.address; }
bool is_larger(const placed_block& a, const placed_block& b) {
  return a.size != b.size ? a.size > b.size : a.address < b.address;
}

// The last byte; an empty block has one.
std::uint64_t last_byte(const placed_block& one) {
  return one.address + std::max<std::uint64_t>(one.size, 1) - 1;
}

// live: by address.
void sum_up(const std::vector<placed_block>& live, address_map& into) {
  std::uint64_t next_page = 0;
  std::uint64_t end = 0;
  for (const placed_block& one : live) {
    const std::uint64_t last = last_byte(one);
    const std::uint64_t first_page = std::max(one.address / map_page_bytes, next_page);
    into.bytes += one.size;
    end = std::max(end, last);
    if (last / map_page_bytes < first_page) continue;
    into.pages += last / map_page_bytes - first_page + 1;
    next_page = last / map_page_bytes + 1;
  }
  into.count = live.size();
  if (!live.empty()) into.extent_bytes = end - live.front().address + 1;
}

// rest: by address.
void sum_up_others(const std::vector<placed_block>& rest, std::size_t most, address_map& into) {
  if (rest.empty()) return;
  into.range_bytes = map_page_bytes;
  for (const placed_block& one : rest) {
    into.others.push_back({one.address & ~(map_page_bytes - 1), 1, one.size});
  }
  // The first time it brings together what lies on one page.
  for (std::uint64_t bytes = map_page_bytes;; bytes *= 2) {
    into.range_bytes = bytes;
    std::size_t made = 0;
    for (const address_range& one : into.others) {
      const std::uint64_t start = one.start & ~(bytes - 1);
      if (made == 0 || into.others[made - 1].start != start) {
        into.others[made++] = {start, one.blocks, one.bytes};
      } else {
        into.others[made - 1].blocks += one.blocks;
        into.others[made - 1].bytes += one.bytes;
      }
    }
    into.others.resize(made);
    if (made <= most) return;
  }
}

// The live blocks of a process, as its events leave them.
class live_set {
 public:
  void add(const event& one) {
    placed_block was;
    if (one.makes()) {
      if (one.address == 0) return;
      live_.insert({one.block, one.address, one.size, one.time_ms, one.node});
    } else if (one.ends()) {
      if (!live_.remove(one.block, was)) return;
      if (one.kind == wire::entry_kind::resize_out) last_resized_[one.thread] = was;
    } else if (const auto found = last_resized_.find(one.thread);
               found != last_resized_.end() && found->second.block == one.block) {
      live_.insert(found->second);
    }
  }

  address_map map(std::uint64_t time_ms) const {
    std::vector<placed_block> live;
    live.reserve(live_.size());
    live_.each([&](const placed_block& one) { live.push_back(one); });
    return map_of(std::move(live), time_ms);
  }

 private:
  block_table<placed_block, &placed_block::block> live_;
  std::unordered_map<std::uint32_t, placed_block> last_resized_;  // by thread
};

}  // namespace

address_map map_of(std::vector<placed_block> live, std::uint64_t time_ms, std::size_t most_blocks,
                   std::size_t most_ranges) {
  address_map made;
  made.time_ms = time_ms;
  std::sort(live.begin(), live.end(), by_address);
  sum_up(live, made);
  if (live.size() > most_blocks) {
    const auto kept_end = live.begin() + static_cast<std::ptrdiff_t>(most_blocks);
    std::nth_element(live.begin(), kept_end, live.end(), is_larger);
    std::vector<placed_block> rest(kept_end, live.end());
    live.erase(kept_end, live.end());
    std::sort(live.begin(), live.end(), by_address);
    std::sort(rest.begin(), rest.end(), by_address);
    sum_up_others(rest, most_ranges, made);
  }
  made.blocks = std::move(live);
  return made;
}

std::string read_addresses(const std::string& path, const capture& of,
                           const recorded_process& process, std::optional<std::uint64_t> moment_ms,
                           address_maps& into) {
  live_set live;
  std::uint64_t events = 0;
  std::uint64_t last_ms = 0;
  const std::uint64_t peak_event = process.memory.peak_event();
  const auto take = [&](const event& one) {
    if (moment_ms && !into.at_moment && one.time_ms > *moment_ms) {
      into.at_moment = live.map(*moment_ms);
    }
    live.add(one);
    last_ms = one.time_ms;
    if (++events == peak_event) into.at_peak = live.map(one.time_ms);
  };
  if (auto error = read_events(path, process.facts.number, take); !error.empty()) return error;
  into.at_end = live.map(of.is_rolled_up ? last_ms : of.end_of(process));
  if (moment_ms && !into.at_moment) into.at_moment = live.map(*moment_ms);
  return {};
}

}  // namespace strata::cli::capture
