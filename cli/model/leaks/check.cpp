#include "cli/model/leaks/check.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "cli/model/capture/view.hpp"
#include "cli/model/file.hpp"
#include "cli/model/leaks/roots.hpp"
#include "cli/model/leaks/search.hpp"
#include "cli/model/leaks/stopped_process.hpp"
#include "cli/model/map/process.hpp"

namespace strata::cli::leaks {
namespace {

bool is_loader(const std::string& path) {
  const std::string name = base_name(path);
  return name.starts_with("ld-") || name.starts_with("ld.so") || name.starts_with("ld64");
}
bool is_libc(const std::string& path) {
  const std::string name = base_name(path);
  return name.starts_with("libc.so") || name.starts_with("libc-");
}

// Where the stack of the thread that waits begins to be the program's; 0: not known. Once main has returned,
// only libc's calls are left, whose frames are full of what main's calls have left there.
std::uint64_t program_stack(const wire::process_slot& slot, occasion when,
                            const map::address_space& space) {
  if (when == occasion::question) return slot.asked_from;
  if (when != occasion::end || slot.calls == 0 || slot.calls > wire::ending_calls) return 0;
  const wire::stack_place& outermost = slot.stack[slot.calls - 1];
  if (outermost.call == 0) return 0;
  for (std::uint32_t i = 0; i + 1 < slot.calls; ++i) {
    const map::mapping* code = map::find(space, slot.stack[i].call - 1);
    if (code == nullptr || !(is_libc(code->path) || is_loader(code->path))) return 0;
  }
  return outermost.place + sizeof(std::uint64_t);
}

void add_threads(const capture::watched_process& one, occasion when, const stopped_process& held,
                 const map::address_space& space, const std::vector<loaded_module>& modules,
                 const block_index& blocks, search& to) {
  const std::uint64_t known = program_stack(*one.slot, when, space);
  for (const stopped_thread& thread : held.threads()) {
    const bool waits =
        when != occasion::signal && thread.id == static_cast<pid_t>(one.slot->thread);
    const std::uint64_t from = waits ? known : 0;
    for (const range& words : stack_of(thread, from, space, modules, blocks)) to.add_root(words);
    if (from == 0) to.add_root(thread.registers);
    if (!waits) to.add_root(thread.vector_registers);
  }
}

bool by_size(const leak_group& a, const leak_group& b) {
  return std::tuple(a.kind, b.sum.bytes, b.sum.blocks, a.node) <
         std::tuple(b.kind, a.sum.bytes, a.sum.blocks, b.node);
}

}  // namespace

const char* name_of(occasion when) {
  switch (when) {
    case occasion::question:
      return "question";
    case occasion::signal:
      return "signal";
    case occasion::end:
      break;
  }
  return "end";
}

leak_checker::leak_checker(const suppressions& unwanted, const std::string& recorder,
                           bool with_held)
    : unwanted_(unwanted), recorder_(base_name(recorder)), with_held_(with_held) {}

// ---- What blocks there are

void leak_checker::happened(std::uint32_t process, std::uint64_t address,
                            const capture::event& what) {
  live_heap& heap = heaps_[process];
  block gone;
  switch (what.kind) {
    case wire::entry_kind::resize_in:
      heap.resized.erase(what.thread);
      [[fallthrough]];
    case wire::entry_kind::allocate:
      heap.blocks.remove(address, gone);  // its free was not seen
      heap.blocks.insert({address, what.size, what.node, is_in_heap(what.node) ? 0 : ++heap.made});
      break;
    case wire::entry_kind::deallocate:
      heap.blocks.remove(address, gone);
      break;
    case wire::entry_kind::resize_out:
      if (heap.blocks.remove(address, gone)) heap.resized[what.thread] = gone;
      break;
    case wire::entry_kind::resize_back:
      if (const auto last = heap.resized.find(what.thread);
          last != heap.resized.end() && last->second.start == address) {
        heap.blocks.insert(last->second);
        heap.resized.erase(last);
      }
      break;
    case wire::entry_kind::nothing:
      break;
  }
}

// Whether blocks with this stack are of a first-class heap, which will free them.
bool leak_checker::is_in_heap(std::uint32_t node) const {
  return wire::is_heap_mark(recording_->nodes()[node].address);
}

void leak_checker::forked(std::uint32_t process, std::uint32_t from) {
  const auto parent = heaps_.find(from);
  if (parent == heaps_.end()) return;
  live_heap& own = heaps_[process];
  parent->second.blocks.each([&](block one) {
    one.order = 0;
    own.blocks.insert(one);
  });
}

std::vector<block> leak_checker::blocks_of(const capture::watched_process& one) const {
  std::vector<block> made;
  const auto heap = heaps_.find(one.number);
  if (heap == heaps_.end()) return made;
  made.reserve(heap->second.blocks.size());
  heap->second.blocks.each([&](const block& its) { made.push_back(its); });
  // What realloc has in hand is neither here nor there: it is searched where it was.
  for (const auto& [thread, its] : heap->second.resized) {
    made.push_back(its);
    made.back().order = 0;
  }
  return made;
}

// ---- One look

void leak_checker::check_all() {
  for (const auto& [number, one] : recording_->running()) check(one, occasion::signal);
}

void leak_checker::asks(const capture::watched_process& one) {
  check(one, occasion::question);
  const check_result& found = results_.back();
  constexpr std::uint64_t unknown = UINT64_MAX;
  one.slot->lost_blocks =
      found.problem.empty() ? found.definite.blocks + found.indirect.blocks : unknown;
}

void leak_checker::check(const capture::watched_process& one, occasion when) {
  check_result& made = results_.emplace_back();
  made.when = when;
  made.process.facts = capture::read_process(one, 0);
  findings found;
  look(one, when, made, found);
  if (!made.problem.empty()) return;
  name(one, found, made);
  conclude(found, made);
}

void leak_checker::look(const capture::watched_process& one, occasion when, check_result& into,
                        findings& found) {
  const stopped_process held(one.pid);
  into.problem = held.error();
  std::string text;
  if (into.problem.empty() && !map::read_text("/proc/" + std::to_string(one.pid) + "/maps", text)) {
    into.problem = "its mappings cannot be read";
  }
  if (into.problem.empty()) into.problem = map::parse_mappings(text, found.space);
  if (!into.problem.empty()) return;
  recording_->take_all_of(one.number);

  const map::process_memory memory(one.pid);
  const std::vector<loaded_module> modules = read_modules(found.space, memory);
  const block_index blocks(blocks_of(one));
  search reach(memory, blocks);
  for (const range& words : globals_of(modules, recorder_)) reach.add_root(words);
  add_threads(one, when, held, found.space, modules, blocks, reach);
  std::unordered_map<std::uint32_t, bool> is_loaders;  // by node
  for (std::size_t i = 0; i < blocks.all().size(); ++i) {
    const std::uint32_t node = blocks[i].node;
    const auto [known, is_new] = is_loaders.try_emplace(node, false);
    if (is_new) {
      const map::mapping* code = map::find(found.space, recording_->nodes()[node].address - 1);
      known->second = code != nullptr && is_loader(code->path);
    }
    if (blocks[i].order == 0 || known->second) reach.add_root(i);
  }
  reach.run();
  for (std::size_t i = 0; i < blocks.all().size(); ++i) {
    if (blocks[i].order == 0) continue;
    into.live.add(blocks[i].bytes);
    if (!reach.is_reachable(i)) continue;
    into.reachable.add(blocks[i].bytes);
    if (with_held_) found.held[blocks[i].node].add(blocks[i].bytes);
  }
  found.graph = reach.lost();
}

// ---- What it amounts to

void leak_checker::name(const capture::watched_process& one, const findings& found,
                        check_result& into) {
  std::vector<std::uint32_t> stacks;
  for (const block& lost : found.graph.blocks) stacks.push_back(lost.node);
  for (const auto& [node, sum] : found.held) stacks.push_back(node);
  if (stacks.empty()) return;
  into.code.nodes = recording_->nodes();
  for (const auto& [start, range] : one.code) into.code.modules.add(range);
  std::sort(stacks.begin(), stacks.end());
  stacks.erase(std::unique(stacks.begin(), stacks.end()), stacks.end());
  capture::name_calls(into.code, one.number, stacks, symbols_);
}

std::vector<bool> leak_checker::suppressed(const lost_graph& of, const check_result& in) const {
  std::vector<bool> made(of.blocks.size());
  if (unwanted_.empty()) return made;
  const capture::view view(in.code, in.process);
  const auto is_unwanted = [&](std::uint32_t stack) {
    for (const capture::call_site& one : view.stack(stack)) {
      if (unwanted_.match(one.function) || unwanted_.match(capture::short_name(one.function)) ||
          (!one.file.empty() && unwanted_.match(one.file))) {
        return true;
      }
    }
    for (std::uint32_t at = stack; at != 0; at = in.code.nodes[at].caller) {
      capture::code_place place;
      if (in.code.modules.find(in.process.facts.number, in.code.nodes[at].address - 1, place) &&
          unwanted_.match(in.code.modules.all()[place.module].path)) {
        return true;
      }
    }
    return false;
  };
  std::unordered_map<std::uint32_t, bool> known;
  for (std::size_t i = 0; i < of.blocks.size(); ++i) {
    const auto [at, is_new] = known.try_emplace(of.blocks[i].node, false);
    if (is_new) at->second = is_unwanted(of.blocks[i].node);
    made[i] = at->second;
  }
  return made;
}

void leak_checker::conclude(const findings& found, check_result& into) {
  const judgement by = judge(found.graph, suppressed(found.graph, into));
  std::map<std::pair<loss, std::uint32_t>, totals> sums;
  for (std::size_t i = 0; i < by.kinds.size(); ++i) {
    const std::uint64_t bytes = found.graph.blocks[i].bytes;
    const loss kind = by.kinds[i];
    (kind == loss::definite   ? into.definite
     : kind == loss::indirect ? into.indirect
                              : into.suppressed)
        .add(bytes);
    if (kind != loss::suppressed) sums[{kind, found.graph.blocks[i].node}].add(bytes);
  }
  for (const auto& [key, sum] : sums) into.groups.push_back({key.first, key.second, sum});
  for (const auto& [node, sum] : found.held) into.held.push_back({loss::definite, node, sum});
  std::sort(into.groups.begin(), into.groups.end(), by_size);
  std::sort(into.held.begin(), into.held.end(), by_size);
  std::unordered_map<std::uint64_t, block_type> known;
  const auto type = [&](std::uint64_t word) {
    const auto [at, is_new] = known.try_emplace(word);
    if (is_new) at->second = type_of(word, found, into);
    return at->second;
  };
  into.cycles = find_cycles(found.graph, by, type, types_);
}

block_type leak_checker::type_of(std::uint64_t word, const findings& found,
                                 const check_result& in) {
  const map::mapping* there = map::find(found.space, word);
  if (there == nullptr || !there->path.starts_with("/")) return {};
  for (const capture::module& one : in.code.modules.all()) {
    if (one.path != there->path) continue;
    const capture::symbols names = symbols_.look_up(one, word - there->start + there->offset);
    if (names.empty()) return {};
    block_type made = type_of_symbol(names[0].function);
    made.file = one.path;
    return made;
  }
  return {};
}

}  // namespace strata::cli::leaks
