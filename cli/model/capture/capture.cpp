#include "cli/model/capture/capture.hpp"

#include <algorithm>
#include <set>

#include "cli/model/capture/addresses.hpp"
#include "cli/model/capture/event_queue.hpp"
#include "cli/model/capture/file_reader.hpp"
#include "cli/model/capture/pool_events.hpp"

namespace strata::cli::capture {
namespace {

// More calls than any recording has.
constexpr std::uint64_t most_nodes = std::uint64_t{1} << 24;

class assembler {
 public:
  assembler(capture& into, std::optional<std::uint64_t> moment_ms)
      : into_(into), moment_ms_(moment_ms), threads_(1) {}

  // False: the block is damaged.
  bool take(block_kind kind, byte_reader& from) {
    switch (kind) {
      case block_kind::session:
        into_.facts = get<session>(from);
        return from.good();
      case block_kind::process:
        return take_process(from);
      case block_kind::mapping:
        into_.modules.add(get<mapping>(from));
        return from.good();
      case block_kind::thread:
        return take_thread(from);
      case block_kind::nodes:
        return take_nodes(from);
      case block_kind::events:
        return take_events(from);
      case block_kind::ranges:
        return take_ranges(from);
      case block_kind::addresses:
        into_.has_addresses = true;
        addresses_.take(from);
        return from.good();
      case block_kind::resident:
        return take_resident(from);
      case block_kind::ended:
        return take_ended(from);
      case block_kind::totals:
        return take_totals(from);
      case block_kind::range_totals:
        return take_range_totals(from);
      case block_kind::pool_names:
        return take_pool_names(from);
      case block_kind::pool_events:
        return take_pool_events(from);
      case block_kind::pool_totals:
        return take_pool_totals(from);
      case block_kind::symbols:
        get_symbols(from, into_.modules, into_.names);
        return from.good();
      case block_kind::end:
        into_.lost = get<losses>(from);
        into_.is_complete = from.good();
        into_.length_ms = std::max(into_.length_ms, into_.lost.time_ms);
        return from.good();
    }
    return true;  // of a later version
  }

 private:
  recorded_process* of(std::uint32_t number) {
    const auto known = by_number_.find(number);
    return known == by_number_.end() ? nullptr : &into_.processes[known->second];
  }

  bool take_process(byte_reader& from) {
    process facts = get<process>(from);
    if (!from.good() || !by_number_.try_emplace(facts.number, into_.processes.size()).second) {
      return false;
    }
    recorded_process& made = into_.processes.emplace_back();
    made.facts = std::move(facts);
    made.memory = heap(into_.facts.sample_bytes);
    if (moment_ms_) {
      made.memory.keep_moment(*moment_ms_);
      made.mapped.keep_moment(*moment_ms_);
      made.pooled.keep_moment(*moment_ms_);
    }
    return true;
  }

  bool take_thread(byte_reader& from) {
    const thread one = get<thread>(from);
    // Their numbers have no gaps.
    if (!from.good() || one.number != threads_.size() || !by_number_.contains(one.process)) {
      return false;
    }
    history_.meet_thread(one.number);
    const std::size_t process = by_number_[one.process];
    std::vector<thread_life>& threads = into_.processes[process].threads;
    threads_.push_back({process, threads.size()});
    threads.push_back({.id = one.id});
    return true;
  }

  // Whether it is a node that is known, and of a call.
  bool is_plain(std::uint32_t node) const {
    return node < into_.nodes.size() && !wire::is_mark(into_.nodes[node].address);
  }

  bool take_nodes(byte_reader& from) {
    std::uint64_t address = 0;
    for (std::uint64_t left = from.number(); left > 0; --left) {
      node one;
      const std::uint64_t caller = from.number();
      address += static_cast<std::uint64_t>(from.difference());
      if (!from.good() || caller >= into_.nodes.size() || into_.nodes.size() > most_nodes) {
        return false;
      }
      if (wire::is_heap_mark(address) && !is_plain(wire::maker_of_heap(address))) return false;
      if (wire::is_pool_mark(address) && wire::name_of_pool(address) > into_.pool_names.size()) {
        return false;
      }
      one.caller = static_cast<std::uint32_t>(caller);
      one.address = address;
      into_.nodes.push_back(one);
    }
    history_.meet_nodes(into_.nodes.size());
    return from.good();
  }

  bool take_events(byte_reader& from) {
    event_reader events(from, history_);
    event one;
    while (events.next(one)) {
      addresses_.place(one);
      const thread_place& place = threads_[one.thread];
      if (place.process == no_process) return false;
      recorded_process& whose = into_.processes[place.process];
      queue_.add(whose.memory, one);
      thread_life& life = whose.threads[place.index];
      if (life.events++ == 0) life.first_ms = one.time_ms;
      life.last_ms = one.time_ms;
      into_.last_event_ms = one.time_ms;
      ++into_.events;
    }
    queue_.finish();
    into_.length_ms = std::max(into_.length_ms, into_.last_event_ms);
    return events.good() && addresses_.ends();
  }

  bool take_totals(byte_reader& from) {
    recorded_process* whose = of(static_cast<std::uint32_t>(from.number()));
    if (whose == nullptr) return false;
    whose->memory.go_on_as(heap::get(from));
    into_.is_rolled_up = true;
    return from.good() && whose->memory.by_node().size() <= into_.nodes.size();
  }

  bool take_ranges(byte_reader& from) {
    range_reader ranges(from);
    range_event one;
    while (ranges.next(one)) {
      if (one.thread >= threads_.size() || one.node >= into_.nodes.size()) return false;
      const thread_place& place = threads_[one.thread];
      if (place.process == no_process) return false;
      into_.processes[place.process].mapped.add(one);
      into_.length_ms = std::max(into_.length_ms, one.time_ms);
    }
    return from.good();
  }

  bool take_range_totals(byte_reader& from) {
    recorded_process* whose = of(static_cast<std::uint32_t>(from.number()));
    if (whose == nullptr) return false;
    whose->mapped.go_on_as(mapped_memory::get(from));
    into_.is_rolled_up = true;
    const auto& figures = whose->mapped.by_node();
    return from.good() && (figures.empty() || figures.rbegin()->first < into_.nodes.size());
  }

  bool take_pool_names(byte_reader& from) {
    for (std::uint64_t left = from.number(); left > 0 && from.good(); --left) {
      if (into_.pool_names.size() >= wire::most_pool_names) return false;
      into_.pool_names.emplace_back(from.text());
    }
    return from.good();
  }

  bool take_pool_events(byte_reader& from) {
    pool_reader rows(from);
    event one;
    while (rows.next(one)) {
      if (one.thread >= threads_.size() || one.node >= into_.nodes.size()) return false;
      const thread_place& place = threads_[one.thread];
      if (place.process == no_process) return false;
      into_.processes[place.process].pooled.add(one);
      into_.length_ms = std::max(into_.length_ms, one.time_ms);
    }
    return from.good();
  }

  bool take_pool_totals(byte_reader& from) {
    recorded_process* whose = of(static_cast<std::uint32_t>(from.number()));
    if (whose == nullptr) return false;
    whose->pooled.go_on_as(heap::get(from));
    into_.is_rolled_up = true;
    return from.good() && whose->pooled.by_node().size() <= into_.nodes.size();
  }

  bool take_resident(byte_reader& from) {
    for (std::uint64_t left = from.number(); left > 0; --left) {
      const resident one = get<resident>(from);
      recorded_process* whose = of(one.process);
      if (!from.good() || whose == nullptr) return false;
      whose->curve.push_back(one);
      into_.length_ms = std::max(into_.length_ms, one.time_ms);
    }
    return from.good();
  }

  bool take_ended(byte_reader& from) {
    const ended one = get<ended>(from);
    recorded_process* whose = of(one.process);
    if (!from.good() || whose == nullptr) return false;
    whose->has_ended = true;
    whose->end = one;
    return true;
  }

  static constexpr std::size_t no_process = static_cast<std::size_t>(-1);
  struct thread_place {
    std::size_t process = no_process;  // index, as the next
    std::size_t index = 0;
  };

  capture& into_;
  std::optional<std::uint64_t> moment_ms_;
  event_history history_;
  event_queue queue_;
  address_reader addresses_;
  std::map<std::uint32_t, std::size_t> by_number_;
  std::vector<thread_place> threads_;  // by number, from 1
};

}  // namespace

const recorded_process* capture::largest() const {
  const auto found = std::max_element(
      processes.begin(), processes.end(),
      [](const auto& a, const auto& b) { return a.memory.peak_bytes() < b.memory.peak_bytes(); });
  return found == processes.end() ? nullptr : &*found;
}

const recorded_process* capture::find(std::uint32_t number) const {
  if (number == 0) return largest();
  const auto found = std::find_if(processes.begin(), processes.end(),
                                  [&](const auto& one) { return one.facts.number == number; });
  return found == processes.end() ? nullptr : &*found;
}

std::string read_capture(const std::string& path, capture& into,
                         std::optional<std::uint64_t> moment_ms) {
  file_reader file(path);
  if (!file.error().empty()) return path + ": " + file.error();
  into.nodes.assign(1, {});
  assembler made(into, moment_ms);
  block_kind kind{};
  byte_reader content;
  while (file.next(kind, content)) {
    if (!made.take(kind, content)) return path + ": is damaged";
  }
  into.is_broken = file.broken();
  into.file_bytes = file.bytes();
  for (recorded_process& one : into.processes) {
    one.memory.settle();
    one.mapped.settle();
    one.pooled.settle();
  }
  if (into.processes.empty()) {
    return path +
           (into.is_complete ? ": nothing was recorded" : ": ends before anything was recorded");
  }
  return {};
}

std::string read_events(const std::string& path, std::uint32_t process,
                        const std::function<void(const event&)>& visit) {
  file_reader file(path);
  if (!file.error().empty()) return path + ": " + file.error();
  std::set<std::uint32_t> threads;
  event_history history;
  address_reader addresses;
  std::size_t nodes = 1;
  block_kind kind{};
  byte_reader content;
  while (file.next(kind, content)) {
    if (kind == block_kind::thread) {
      const thread one = get<thread>(content);
      history.meet_thread(one.number);
      if (one.process == process) threads.insert(one.number);
    } else if (kind == block_kind::nodes) {
      history.meet_nodes(nodes += content.number());
    } else if (kind == block_kind::addresses) {
      addresses.take(content);
    } else if (kind == block_kind::events) {
      event_reader events(content, history);
      event one;
      while (events.next(one)) {
        addresses.place(one);
        if (threads.contains(one.thread)) visit(one);
      }
    }
  }
  return {};
}

std::string read_every_event(const std::string& path, std::uint32_t number, capture& into,
                             const recorded_process*& process) {
  if (auto error = read_capture(path, into); !error.empty()) return error;
  if (into.facts.sample_bytes != 0) {
    return path + ": is a sample; this takes a recording of every block (strata record --every)";
  }
  if (into.is_rolled_up) {
    return path + ": has sums in place of events, since it outgrew --max-size";
  }
  process = into.find(number);
  if (process == nullptr) {
    return "--process: the recording has no process " + std::to_string(number);
  }
  if (process->memory.all().total.blocks == 0) {
    return path + ": the process has allocated nothing" +
           (into.is_complete ? "" : " up to where the recording ends");
  }
  return {};
}

void name_calls(capture& of, std::uint32_t process, const std::vector<std::uint32_t>& stacks,
                symbolizer& source) {
  std::vector<bool> seen(of.nodes.size());
  std::vector<std::uint32_t> all = stacks;
  for (const std::uint32_t stack : stacks) {
    const std::uint64_t address = of.nodes[stack].address;
    if (wire::is_heap_mark(address)) all.push_back(wire::maker_of_heap(address));
  }
  for (const std::uint32_t stack : all) {
    for (std::uint32_t at = stack; at != 0 && !seen[at]; at = of.nodes[at].caller) {
      seen[at] = true;
      code_place place;
      if (!of.modules.find(process, of.nodes[at].address - 1, place)) continue;
      const auto [names, is_new] = of.names.try_emplace(place);
      if (is_new) names->second = source.look_up(of.modules.all()[place.module], place.offset);
    }
  }
}

void complete_names(capture& of) {
  symbolizer source;
  for (const recorded_process& one : of.processes) {
    std::vector<std::uint32_t> stacks;
    for (const heap* its : {&one.memory, &one.pooled}) {
      const auto& figures = its->by_node();
      for (std::uint32_t i = 0; i < figures.size(); ++i) {
        if (figures[i].total.blocks > 0) stacks.push_back(i);
      }
    }
    for (const auto& [node, its] : one.mapped.by_node()) stacks.push_back(node);
    name_calls(of, one.facts.number, stacks, source);
  }
}

}  // namespace strata::cli::capture
