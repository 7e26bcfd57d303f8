#include "cli/model/advice/survey.hpp"

#include <algorithm>
#include <utility>

namespace strata::cli::advice {

using capture::event;
using wire::entry_kind;

namespace {

constexpr std::uint64_t looks = 64;
constexpr std::uint64_t page_bytes = 8192;  // the unit of the heap's runs
constexpr std::uint64_t longest_pooled_bytes = 4096;
constexpr std::size_t alignment = 8;
constexpr std::uint64_t least_wave = 16;  // blocks

}  // namespace

survey::survey(const std::vector<std::uint32_t>& of_node, std::size_t sites, std::uint64_t events)
    : of_node_(of_node), sites_(sites), waves_(sites), newest_(sites), step_(events / looks + 1) {}

void survey::add(const event& one) {
  switch (one.kind) {
    case entry_kind::allocate:
    case entry_kind::resize_in:
      if (one.node < of_node_.size()) make(one);
      break;
    case entry_kind::deallocate:
    case entry_kind::resize_out:
      end(one);
      break;
    case entry_kind::resize_back:
      if (const auto found = resizing_.find(one.thread); found != resizing_.end()) {
        add_live(found->second);
        resizing_.erase(found);
      }
      break;
    case entry_kind::nothing:
      break;
  }
  if (++events_ % step_ == 0 && live_bytes_ < peak_bytes_ / 2) look_at_pages();
}

void survey::add_live(placed one) {
  if (one.size <= longest_pooled_bytes) one.address = pools_.try_allocate(one.size, alignment);
  live_.insert(one);
  live_bytes_ += one.size;
  peak_bytes_ = std::max(peak_bytes_, live_bytes_);
  site_facts& facts = sites_[one.site];
  facts.most_live = std::max(facts.most_live, ++waves_[one.site].live);
}

void survey::remove_live(const placed& one) {
  if (one.address != nullptr) pools_.deallocate(one.address, one.size, alignment);
  live_bytes_ -= one.size;
  --waves_[one.site].live;
}

void survey::make(const event& one) {
  const std::uint32_t site = of_node_[one.node];
  add_live({one.block, one.size, site, one.thread, one.time_ms});
  const bool is_fresh = one.kind == entry_kind::allocate;
  last_made_[one.thread] = {is_fresh ? one.block : 0, is_fresh};
  newest_[site] = {one.block, newest_[site].last};
  site_facts& facts = sites_[site];
  ++facts.blocks;
  facts.bytes += one.size;
  facts.least_bytes = std::min(facts.least_bytes, one.size);
  facts.most_bytes = std::max(facts.most_bytes, one.size);
  wave& of = waves_[site];
  of.early_frees += of.frees;
  of.frees = 0;
  ++of.blocks;
  const auto found = resizing_.find(one.thread);
  if (one.kind != entry_kind::resize_in || found == resizing_.end()) return;
  if (found->second.size < one.size) {
    ++facts.growths;
    ++facts.resizes;
    facts.copied_bytes += found->second.size;
  }
  resizing_.erase(found);
}

void survey::end(const event& one) {
  placed was;
  if (!live_.remove(one.block, was)) return;
  remove_live(was);
  if (one.kind == entry_kind::resize_out) {
    resizing_[one.thread] = was;
    return;
  }
  site_facts& facts = sites_[was.site];
  ++facts.frees;
  facts.lived_ms += one.time_ms - std::min(was.time_ms, one.time_ms);
  note_growth(one, was);
  end_in_wave(was.site);
}

// A free that ends a temporary block, or the shorter one of two.
void survey::note_growth(const event& one, const placed& was) {
  last_made& last = last_made_[one.thread];
  const bool is_latest = std::exchange(last.is_latest, false);
  site_facts& facts = sites_[was.site];
  if (last.block == was.block && was.thread == one.thread) {
    ++facts.temporary;
    last.block = 0;
    return;
  }
  if (!is_latest || newest_[was.site].before != was.block) return;
  const placed* longer = live_.find(last.block);
  if (longer == nullptr || longer->site != was.site || longer->size <= was.size) return;
  ++facts.growths;
  facts.copied_bytes += was.size;
}

void survey::end_in_wave(std::uint32_t site) {
  wave& of = waves_[site];
  if (of.frees++ == 0) of.freed_since = events_;
  if (of.live > 0) return;
  // Others may go meanwhile: what dies together is of several sites.
  const bool at_once = events_ - of.freed_since <= 4 * of.frees + 64;
  if (at_once && of.blocks >= least_wave && of.early_frees <= of.blocks / 10) {
    ++sites_[site].waves;
    sites_[site].wave_blocks += of.blocks;
  }
  of = {};
}

void survey::look_at_pages() {
  struct page {
    std::uint32_t site = 0;
    std::uint32_t blocks = 0;
    std::uint64_t bytes = 0;
    bool is_mixed = false;
  };
  std::unordered_map<std::uint64_t, page> pages;
  live_.each([&](const placed& one) {
    if (one.address == nullptr) return;
    page& of = pages[reinterpret_cast<std::uintptr_t>(one.address) / page_bytes];
    of.is_mixed = of.is_mixed || (of.blocks > 0 && of.site != one.site);
    of.site = one.site;
    ++of.blocks;
    of.bytes += one.size;
  });
  std::vector<site_facts> now(sites_.size());
  for (const auto& [number, one] : pages) {
    if (one.is_mixed || one.bytes > page_bytes / 4) continue;
    now[one.site].pinned_bytes += page_bytes - one.bytes;
    now[one.site].pinning_blocks += one.blocks;
    ++now[one.site].pinned_pages;
  }
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i].pinned_bytes <= sites_[i].pinned_bytes) continue;
    sites_[i].pinned_bytes = now[i].pinned_bytes;
    sites_[i].pinning_blocks = now[i].pinning_blocks;
    sites_[i].pinned_pages = now[i].pinned_pages;
  }
}

}  // namespace strata::cli::advice
