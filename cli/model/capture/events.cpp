#include "cli/model/capture/events.hpp"

namespace strata::cli::capture {
namespace {

constexpr std::uint8_t kind_bits = 7;
constexpr std::uint8_t thread_changes = 8;
constexpr std::uint8_t time_changes = 16;
constexpr std::uint8_t is_others_block = 32;
constexpr std::uint8_t has_expected_size = 64;
constexpr std::uint8_t has_expected_node = 128;

std::uint32_t small(byte_reader& from) { return static_cast<std::uint32_t>(from.number()); }

}  // namespace

// ---- History

void event_history::meet_thread(std::uint32_t thread) {
  if (!knows_thread(thread)) threads_.resize(thread + std::size_t{1});
}

void event_history::meet_nodes(std::size_t count) {
  if (count > nodes_.size()) nodes_.resize(count);
}

std::uint64_t event_history::code_of(std::uint64_t block) {
  if (block == 0) return 0;
  thread_past& maker = threads_[maker_of(block)];
  const std::uint64_t index = block & ((std::uint64_t{1} << index_bits) - 1);
  const std::uint64_t age = maker.made - index + 1;
  if (age < old_age) return age;
  const auto step = static_cast<std::int64_t>(index - maker.last_old);
  maker.last_old = index;
  return old_age + signless(step);
}

std::uint64_t event_history::block_of(std::uint32_t thread, std::uint64_t code) {
  thread_past& maker = threads_[thread];
  std::uint64_t index = maker.made - code + 1;
  if (code >= old_age) {
    index = maker.last_old + static_cast<std::uint64_t>(signed_again(code - old_age));
    maker.last_old = index;
  }
  return code == 0 || index == 0 || index > maker.made ? 0 : name(thread, index);
}

void event_history::note(std::uint32_t thread, std::uint32_t node, std::uint64_t size) {
  nodes_[threads_[thread].last_node].follower = node;
  threads_[thread].last_node = node;
  nodes_[node].last_size = size;
}

// ---- Writing

void event_columns::add(const event& one, event_history& history) {
  auto what = static_cast<std::uint8_t>(one.kind);
  const std::uint32_t maker = one.block == 0 ? one.thread : event_history::maker_of(one.block);
  if (one.thread != last_.thread) what |= thread_changes;
  if (one.time_ms != last_.time_ms) what |= time_changes;
  if (one.ends() && maker != one.thread) what |= is_others_block;
  if (one.makes()) {
    if (history.expected_size(one.node) == one.size) what |= has_expected_size;
    if (history.expected_node(one.thread) == one.node) what |= has_expected_node;
  }
  what_.byte(what);
  if ((what & thread_changes) != 0) what_.number(one.thread);
  if ((what & time_changes) != 0) what_.number(one.time_ms - last_.time_ms);
  if ((what & is_others_block) != 0) what_.number(maker);
  if (one.ends()) blocks_.number(history.code_of(one.block));
  if (one.makes()) {
    if ((what & has_expected_size) == 0) sizes_.number(one.size);
    if ((what & has_expected_node) == 0) nodes_.number(one.node);
    history.note(one.thread, one.node, one.size);
  }
  last_ = one;
  ++count_;
}

void event_columns::put(byte_writer& to) {
  to.number(count_);
  for (byte_writer* column : {&what_, &blocks_, &sizes_, &nodes_}) {
    to.text(column->bytes());
    column->clear();
  }
  count_ = 0;
  last_ = {};
}

// ---- Reading

event_reader::event_reader(byte_reader& from, event_history& history)
    : history_(history), left_(from.number()) {
  for (byte_reader* column : {&what_, &blocks_, &sizes_, &nodes_}) {
    *column = byte_reader(from.text());
  }
  good_ = from.good();
}

bool event_reader::good() const {
  return good_ && what_.good() && blocks_.good() && sizes_.good() && nodes_.good();
}

bool event_reader::next(event& into) {
  if (left_ == 0 || !good()) return false;
  --left_;
  const std::uint8_t what = what_.byte();
  good_ = read_what(what);
  if (good_ && last_.makes()) {
    good_ = read_made(what);
  } else if (good_ && last_.ends()) {
    good_ = read_ended(what);
  } else if (good_) {
    last_.block = history_.resized(last_.thread);
  }
  into = last_;
  return good();
}

bool event_reader::read_what(std::uint8_t what) {
  const std::uint8_t kind = what & kind_bits;
  if (kind >= wire::entry_kinds) return false;
  last_.kind = static_cast<wire::entry_kind>(kind);
  last_.size = 0;
  last_.node = 0;
  if ((what & thread_changes) != 0) last_.thread = small(what_);
  if ((what & time_changes) != 0) last_.time_ms += what_.number();
  return history_.knows_thread(last_.thread);
}

bool event_reader::read_made(std::uint8_t what) {
  const bool is_expected = (what & has_expected_node) != 0;
  if (!history_.knows_node(0)) return false;
  last_.node = is_expected ? history_.expected_node(last_.thread) : small(nodes_);
  if (!history_.knows_node(last_.node)) return false;
  last_.size =
      (what & has_expected_size) != 0 ? history_.expected_size(last_.node) : sizes_.number();
  history_.note(last_.thread, last_.node, last_.size);
  last_.block = history_.next_block(last_.thread);
  return true;
}

bool event_reader::read_ended(std::uint8_t what) {
  const std::uint32_t maker = (what & is_others_block) != 0 ? small(what_) : last_.thread;
  if (!history_.knows_thread(maker)) return false;
  last_.block = history_.block_of(maker, blocks_.number());
  if (last_.kind == wire::entry_kind::resize_out) history_.resized(last_.thread) = last_.block;
  return true;
}

}  // namespace strata::cli::capture
