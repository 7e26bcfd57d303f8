#include "cli/model/capture/recording.hpp"

#include <string.h>

#include <algorithm>

#include "cli/model/process.hpp"

namespace strata::cli::capture {
namespace {

constexpr std::uint64_t flush_ms = 200;
constexpr std::uint64_t look_ms = 100;
// With a gap, or an entry that is never left.
constexpr std::uint64_t usual_patience_ms = 500;
constexpr std::uint64_t first_totals_ms = 1000;
constexpr std::size_t prefetch_distance = 16;
constexpr std::size_t flush_bytes = std::size_t{2} << 20;

}  // namespace

recording::recording(file_writer& to, const session& of, std::uint64_t most_bytes, watcher* told)
    : to_(to),
      told_(told),
      sample_bytes_(of.sample_bytes),
      most_bytes_(most_bytes),
      area_(of.sample_bytes),
      started_ns_(cli::now_ns()),
      rings_(wire::most_rings),
      patience_ms_(usual_patience_ms),
      nodes_(1),
      file_pool_names_(wire::most_pool_names + 1) {
  if (area_.error().empty()) area_->finds_leaks = told != nullptr ? 1 : 0;
  to_.write(block_kind::session, of);
}

std::uint64_t recording::now_ms() const { return (cli::now_ns() - started_ns_) / 1'000'000; }

bool recording::take() {
  time_ms_ = now_ms();
  fullest_ = 0;
  meet_processes();
  // acquire: rings below are in the state that their users gave them.
  const std::uint32_t rings = area_->rings_used.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; i < rings; ++i) take_ring(i);
  emit_pending();
  answer_questions();
  if (time_ms_ - looked_ms_ >= look_ms) {
    looked_ms_ = time_ms_;
    look_for_ended();
    sample_resident();
  }
  const std::size_t kept_bytes = columns_.size() + ranges_.size() + pool_rows_.size();
  if (time_ms_ - flushed_ms_ >= flush_ms || kept_bytes >= flush_bytes) flush();
  return fullest_ > wire::ring_entries / 8;
}

// ---- Processes

void recording::meet_processes() {
  for (wire::process_slot& slot : area_->processes) {
    // acquire: what the process wrote before.
    const std::uint32_t state = slot.state.load(std::memory_order_acquire);
    if (state != wire::slot_used && state != wire::slot_ending) continue;
    if (slot.seen.load(std::memory_order_acquire) != 0) continue;
    meet(slot);
    slot.seen.store(1, std::memory_order_release);
  }
}

void recording::meet(wire::process_slot& slot) {
  const auto known = watched_.find(slot.number);
  if (known != watched_.end()) {  // it is about to end
    look_at_code(known->second);
    if (told_ != nullptr) told_->ends(known->second);
    return;
  }
  const auto pid = static_cast<pid_t>(slot.pid);
  for (const auto& [number, other] : watched_) {
    if (other.pid != pid) continue;
    end_process(number, false, 0);  // it has become another program
    break;
  }
  watched_process& one = watched_[slot.number];
  one.number = slot.number;
  one.pid = pid;
  one.slot = &slot;
  ++process_count_;
  if (told_ != nullptr && slot.parent != 0) {
    forks_.push_back({slot.number, slot.parent, slot.forked_at});
  }
  to_.write(block_kind::process, read_process(one, time_ms_));
  look_at_code(one);
}

void recording::look_at_code(watched_process& one) {
  for (const mapping& fresh : read_code(one, build_ids_)) {
    modules_.add(fresh);
    to_.write(block_kind::mapping, fresh);
  }
}

void recording::answer_questions() {
  if (told_ == nullptr) return;
  for (auto& [number, one] : watched_) {
    // acquire: who asks, and from where.
    if (one.slot->question.load(std::memory_order_acquire) != wire::question_asked) continue;
    look_at_code(one);
    told_->asks(one);
    one.slot->question.store(wire::question_answered, std::memory_order_release);
  }
}

void recording::tell_of_forks(std::uint64_t sequence) {
  const auto is_due = [&](const fork& one) { return one.sequence <= sequence; };
  for (const fork& one : forks_) {
    if (is_due(one)) told_->forked(one.process, one.from);
  }
  std::erase_if(forks_, is_due);
}

void recording::look_for_ended() {
  std::vector<std::uint32_t> over;
  for (const auto& [number, one] : watched_) {
    if (!is_running(one.pid)) over.push_back(number);
  }
  for (std::uint32_t number : over) end_process(number, false, 0);
}

void recording::end_process(std::uint32_t number, bool has_status, int wait_status) {
  const auto known = watched_.find(number);
  if (known == watched_.end()) return;
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    wire::ring_state& ring = area_->rings[i];
    if (ring.state.load(std::memory_order_acquire) == wire::slot_free || ring.process != number) {
      continue;
    }
    take_ring(i);
    ring.read.store(ring.head.load(std::memory_order_relaxed), std::memory_order_relaxed);
    rings_[i] = {};
    ring.state.store(wire::slot_free, std::memory_order_release);
  }
  emit_pending();
  tell_of_forks(wire::no_sequence);
  if (told_ != nullptr) told_->is_gone(number);
  flush();
  if (rolled_up_) write_totals(number);
  heap_events_.finish();
  heaps_.erase(number);
  mapped_.erase(number);
  pooled_.erase(number);
  live_in_pools_.erase(number);
  placed_.erase(number);
  called_.erase(number);
  to_.write(block_kind::ended,
            ended{number, time_ms_, has_status, static_cast<std::uint32_t>(wait_status)});
  known->second.slot->state.store(wire::slot_free, std::memory_order_release);
  watched_.erase(known);
}

void recording::sample_resident() {
  for (const auto& [number, one] : watched_) {
    if (const std::uint64_t bytes = read_resident(one.pid)) {
      resident_.push_back({number, time_ms_, bytes});
    }
  }
}

// ---- Entries

void recording::take_ring(std::size_t number) {
  wire::ring_state& ring = area_->rings[number];
  // acquire: when it is ending, all its entries are there.
  const std::uint32_t state = ring.state.load(std::memory_order_acquire);
  if (state != wire::slot_used && state != wire::slot_ending) return;
  std::uint64_t index = ring.read.load(std::memory_order_relaxed);
  const std::uint64_t head = ring.head.load(std::memory_order_relaxed);
  fullest_ = std::max(fullest_, head - index);
  for (; index < head; ++index) {
    const wire::entry& from = area_->entries[number][index % wire::ring_entries];
    const auto stamp = static_cast<std::uint32_t>(index + 1);
    if (from.stamp.load(std::memory_order_acquire) == stamp) {
      take_entry(number, from);
    } else if (!is_stuck(number, index)) {
      break;
    }
  }
  ring.read.store(index, std::memory_order_release);
  if (state == wire::slot_ending && index == ring.head.load(std::memory_order_relaxed)) {
    rings_[number] = {};
    ring.state.store(wire::slot_free, std::memory_order_release);
  }
}

// An entry that its thread has begun and left for good, by a jump out of a signal handler.
bool recording::is_stuck(std::size_t number, std::uint64_t index) {
  ring_place& place = rings_[number];
  if (place.blocked_at != index + 1) {
    place.blocked_at = index + 1;
    place.blocked_since_ms = time_ms_;
  }
  return time_ms_ - place.blocked_since_ms >= patience_ms_;
}

void recording::take_entry(std::size_t number, const wire::entry& from) {
  const wire::ring_state& ring = area_->rings[number];
  ring_place& place = rings_[number];
  if (place.thread == 0) {
    place.thread = ++thread_count_;
    history_.meet_thread(place.thread);
    to_.write(block_kind::thread, thread{place.thread, ring.process, ring.thread});
  }
  const bool is_nothing = from.kind == static_cast<std::uint32_t>(wire::entry_kind::nothing);
  const bool is_of_block = is_nothing || from.kind < wire::entry_kinds;
  if ((is_nothing && from.sequence == wire::no_sequence) ||
      (!is_of_block && !wire::is_of_range(from.kind) && !wire::is_of_pool(from.kind))) {
    return;
  }
  pending_event made{
      from.sequence,
      from.address,
      ring.process,
      0,
      from.about,
      event{wire::entry_kind::allocate, place.thread, from.node, 0, wire::size_of(from), time_ms_}};
  if (is_of_block) {
    made.what.kind = static_cast<wire::entry_kind>(from.kind);
  } else {
    made.kind = static_cast<std::uint16_t>(from.kind);
    if (wire::is_of_pool(from.kind)) made.what.block = wire::pool_of(from);
  }
  pending_.push_back(made);
}

void recording::emit_pending() {
  const auto by_sequence = [](const pending_event& a, const pending_event& b) {
    return a.sequence < b.sequence;
  };
  if (!std::is_sorted(pending_.begin(), pending_.end(), by_sequence)) {
    std::sort(pending_.begin(), pending_.end(), by_sequence);
  }
  std::size_t done = 0;
  for (; done < pending_.size(); ++done) {
    pending_event& one = pending_[done];
    if (done + prefetch_distance < pending_.size()) prefetch(pending_[done + prefetch_distance]);
    if (one.sequence != next_sequence_) {
      const bool is_late = one.sequence < next_sequence_;
      if (!is_late && time_ms_ - one.what.time_ms < patience_ms_) break;
      if (!is_late) lost_.events += one.sequence - next_sequence_;
    }
    next_sequence_ = std::max(next_sequence_, one.sequence + 1);
    if (!forks_.empty()) tell_of_forks(one.sequence);
    emit(one);
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(done));
}

void recording::prefetch(const pending_event& one) {
  if (const auto of = placed_.find(one.process); of != placed_.end()) {
    of->second.prefetch(one.address);
  }
  if (one.what.makes() && one.what.node < wire::most_nodes) {
    __builtin_prefetch(&area_->nodes[one.what.node]);
  }
}

void recording::take_all_of(std::uint32_t process) {
  const std::uint32_t rings = area_->rings_used.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; i < rings; ++i) {
    if (area_->rings[i].process == process) take_ring(i);
  }
  emit_pending();
  tell_of_forks(wire::no_sequence);
  for (pending_event& one : pending_) {
    if (one.process != process) continue;
    emit(one);
    one.what.kind = wire::entry_kind::nothing;
  }
}

void recording::emit(pending_event& one) {
  if (one.what.kind == wire::entry_kind::nothing) return;
  if (one.what.makes()) {
    const auto of = watched_.find(one.process);
    if (of != watched_.end()) note_nodes(of->second, one.what.node);
    one.what.node = file_node(one.what.node);
    history_.meet_nodes(nodes_.size());
  }
  if (wire::is_of_range(one.kind)) return emit_range(one);
  if (wire::is_of_pool(one.kind)) return emit_pooled(one);
  if (told_ != nullptr) told_->happened(one.process, one.address, one.what);
  if (!to_.writes()) return;
  name_block(one);
  write_event(one.process, one.what);
}

void recording::name_block(pending_event& one) {
  placed_blocks& live = placed_[one.process];
  event& what = one.what;
  placed_block at;
  if (what.makes()) {
    if (live.remove(one.address, at)) {  // its free was not seen: it is gone now at the latest
      write_event(one.process,
                  {wire::entry_kind::deallocate, what.thread, 0, at.block, 0, what.time_ms});
    }
    what.block = history_.next_block(what.thread);
    what.address = one.address;
    live.insert({one.address, what.block});
  } else if (what.ends()) {
    if (live.remove(one.address, at)) what.block = at.block;
    if (what.kind == wire::entry_kind::resize_out) history_.resized(what.thread) = what.block;
  } else if ((what.block = history_.resized(what.thread)) != 0) {
    live.insert({one.address, what.block});
  }
}

void recording::emit_range(const pending_event& one) {
  if (!to_.writes()) return;
  const range_event made{static_cast<wire::range_kind>(one.kind),
                         one.about,
                         one.what.thread,
                         one.what.node,
                         one.address,
                         one.what.size,
                         one.what.time_ms};
  if (most_bytes_ != 0) mapped_[one.process].add(made);
  if (!rolled_up_) ranges_.add(made);
}

void recording::emit_pooled(const pending_event& one) {
  if (!to_.writes()) return;
  const auto write = [&](const event& made) {
    if (most_bytes_ != 0) pooled_[one.process].add(made);
    if (!rolled_up_) pool_rows_.add(made);
    if (pool_rows_.size() >= flush_bytes) flush();
  };
  live_in_pools_[one.process].take(static_cast<wire::pool_kind>(one.kind), one.what.block,
                                   one.address, one.what, write);
}

void recording::write_event(std::uint32_t process, const event& one) {
  ++event_count_;
  if (most_bytes_ != 0) {
    heap_events_.add(heaps_.try_emplace(process, sample_bytes_).first->second, one);
    if (rolled_up_) return;
  }
  columns_.add(one, history_);
  if (keeps_addresses_ && one.makes()) addresses_.add(one);
  if (columns_.size() >= flush_bytes) flush();
}

// ---- Stacks

// Makes sure that the code of all calls is known, and asks for its names.
void recording::note_nodes(watched_process& of, std::uint32_t slot) {
  bool is_unknown = false;
  std::vector<std::uint64_t> fresh;
  called_addresses& known = called_[of.number];
  while (slot != 0 && slot < wire::most_nodes) {
    if (slot >= of.nodes.size()) {
      of.nodes.resize(std::max<std::size_t>(slot + 1, 2 * of.nodes.size()));
    }
    if (of.nodes[slot]) break;
    of.nodes[slot] = true;
    const wire::stack_node& at = area_->nodes[slot];
    const std::uint64_t address = at.address.load(std::memory_order_relaxed);
    if (wire::is_heap_mark(address)) {
      note_nodes(of, wire::maker_of_heap(address));
    } else if (address > wire::cut_mark && !wire::is_pool_mark(address) &&
               known.insert({address})) {
      is_unknown |= !of.knows(address);
      fresh.push_back(address);
    }
    slot = at.caller.load(std::memory_order_acquire) - 1;
  }
  if (is_unknown) look_at_code(of);
  for (const std::uint64_t address : fresh) {
    if (!ask_name(of.number, address)) unplaced_.push_back({of.number, address});
  }
}

// False: the code is in no file that is known.
bool recording::ask_name(std::uint32_t process, std::uint64_t address) {
  code_place place;
  // One back, from where the call returns to into the call.
  if (!modules_.find(process, address - 1, place)) return false;
  if (to_.writes()) names_.ask(place, modules_.all()[place.module]);
  return true;
}

// 0: it has none yet. Programs may have written anything into the area.
std::uint32_t recording::number_in_file(std::uint32_t slot) const {
  const std::uint32_t number = slot < wire::most_nodes ? area_->nodes[slot].in_file : 0;
  return number < nodes_.size() ? number : 0;
}

std::uint32_t recording::file_node(std::uint32_t slot) {
  std::vector<std::uint32_t> missing;
  while (slot != 0 && slot < wire::most_nodes && number_in_file(slot) == 0 &&
         missing.size() <= wire::most_depth) {  // calls, and a mark
    missing.push_back(slot);
    slot = area_->nodes[slot].caller.load(std::memory_order_acquire) - 1;
  }
  std::uint32_t caller = number_in_file(slot);
  for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
    wire::stack_node& one = area_->nodes[*at];
    const std::uint64_t address = one.address.load(std::memory_order_relaxed);
    nodes_.push_back({caller, wire::is_mark(address) ? file_mark(address) : address});
    caller = one.in_file = static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  return caller;
}

std::uint64_t recording::file_mark(std::uint64_t address) {
  return wire::is_heap_mark(address)
             ? wire::heap_mark | file_node(wire::maker_of_heap(address))
             : wire::pool_mark | file_pool_name(wire::name_of_pool(address));
}

std::uint32_t recording::file_pool_name(std::uint32_t number) {
  if (number == 0 || number >= file_pool_names_.size()) return 0;
  std::uint32_t& known = file_pool_names_[number];
  if (known == 0) {
    const char* text = area_->pool_names[number - 1].text;
    pool_names_.emplace_back(text, strnlen(text, wire::pool_name_bytes));
    known = static_cast<std::uint32_t>(pool_names_.size());
  }
  return known;
}

// ---- The file

void recording::flush() {
  flushed_ms_ = time_ms_;
  byte_writer content;
  if (pool_names_written_ < pool_names_.size()) {
    content.number(pool_names_.size() - pool_names_written_);
    while (pool_names_written_ < pool_names_.size())
      content.text(pool_names_[pool_names_written_++]);
    to_.write(block_kind::pool_names, content);
    content.clear();
  }
  if (nodes_written_ < nodes_.size()) {
    content.number(nodes_.size() - nodes_written_);
    std::uint64_t before = 0;
    for (; nodes_written_ < nodes_.size(); ++nodes_written_) {
      const node& one = nodes_[nodes_written_];
      content.number(one.caller);
      content.difference(static_cast<std::int64_t>(one.address - before));
      before = one.address;
    }
    to_.write(block_kind::nodes, content);
    content.clear();
  }
  if (!addresses_.empty()) {
    addresses_.put(content);
    to_.write(block_kind::addresses, content);
    content.clear();
  }
  if (!columns_.empty()) {
    columns_.put(content);
    to_.write(block_kind::events, content);
    content.clear();
  }
  if (!ranges_.empty()) {
    ranges_.put(content);
    to_.write(block_kind::ranges, content);
    content.clear();
  }
  if (!pool_rows_.empty()) {
    pool_rows_.put(content);
    to_.write(block_kind::pool_events, content);
    content.clear();
  }
  if (!resident_.empty()) {
    content.number(resident_.size());
    for (const resident& one : resident_) put(content, one);
    to_.write(block_kind::resident, content);
    resident_.clear();
  }
  if (to_.writes()) write_symbols(names_.take());
  if (most_bytes_ != 0 && to_.bytes() >= most_bytes_) roll_up();
}

void recording::roll_up() {
  rolled_up_ = true;
  if (time_ms_ < next_totals_ms_) return;
  next_totals_ms_ = std::max(2 * time_ms_, time_ms_ + first_totals_ms);
  for (const auto& [number, one] : watched_) write_totals(number);
}

void recording::write_totals(std::uint32_t process) {
  byte_writer content;
  content.number(process);
  heap_events_.finish();
  heaps_.try_emplace(process, sample_bytes_).first->second.put(content);
  to_.write(block_kind::totals, content);
  const auto write = [&](auto& all, block_kind kind) {
    const auto its = all.find(process);
    if (its == all.end()) return;
    content.clear();
    content.number(process);
    its->second.put(content);
    to_.write(kind, content);
  };
  write(mapped_, block_kind::range_totals);
  write(pooled_, block_kind::pool_totals);
}

void recording::write_symbols(const symbol_table& found) {
  for (auto at = found.begin(); at != found.end();) {
    const std::size_t module = at->first.module;
    byte_writer content;
    put_symbols(content, modules_.all()[module], module, found);
    to_.write(block_kind::symbols, content);
    at = found.lower_bound({module + 1, 0});
  }
}

void recording::write_last_symbols() {
  for (const process_address& one : unplaced_) ask_name(one.process, one.address);
  write_symbols(names_.finish());
}

void recording::finish(pid_t program, int wait_status) {
  time_ms_ = now_ms();
  meet_processes();
  take();
  for (auto at = watched_.begin(); at != watched_.end();) {
    const auto next = std::next(at);
    if (at->second.pid == program) end_process(at->first, true, wait_status);
    at = next;
  }
  area_->closed.store(1, std::memory_order_relaxed);
  patience_ms_ = 0;
  take();
  while (!watched_.empty()) end_process(watched_.begin()->first, false, 0);
  flush();
  if (to_.writes()) write_last_symbols();
  lost_.time_ms = time_ms_;
  lost_.stacks = area_->lost_stacks.load(std::memory_order_relaxed);
  lost_.threads = area_->lost_threads.load(std::memory_order_relaxed);
  lost_.samples = area_->lost_samples.load(std::memory_order_relaxed);
  to_.write(block_kind::end, lost_);
}

}  // namespace strata::cli::capture
