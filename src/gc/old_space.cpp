#include "gc/old_space.hpp"

#include <algorithm>
#include <cstring>
#include <thread>

#include "os/memory.hpp"

namespace strata::gc {
namespace {

// Where options don't say how many.
constexpr unsigned most_workers = 4;
// Blocks with holes that promotion passes over as too narrow before it takes a whole one, which it may: a pause must
// not be as long as there are such.
constexpr std::size_t most_looked_at = 16;
// While less than this part of all blocks is free.
constexpr std::size_t scarce_share = 8;

}  // namespace

old_space::old_space(core& of, evacuation when, std::size_t most_blocks)
    : core_(of),
      blocks_(of.blocks()),
      large_(blocks_),
      lines_(blocks_),
      marker_(lines_, of.weaks()),
      compaction_(blocks_),
      when_(when),
      most_blocks_(most_blocks) {
  unsigned threads = of.options().workers;
  if (threads == 0) threads = std::min(std::thread::hardware_concurrency(), most_workers);
  if (threads < 2) return;
  parallel_ = std::make_unique<parallel_marking>(marker_, lines_, of.weaks(), threads - 1);
  to_of_helpers_.resize(threads - 1);
}

bool old_space::open(std::size_t young_blocks) {
  young_bytes_ = young_blocks * detail::block_bytes;
  stores_are_noted_ = young_blocks != 0;
  core_.set_young_bytes(young_bytes_);
  std::size_t words = blocks_.count() * detail::block_bytes / detail::word_bytes;
  auto then =
      core_.options().stress.protect_moved ? blocks::after::inaccessible : blocks::after::usable;
  return large_.open(young_blocks) && compaction_.open() && lines_.open(young_blocks, then) &&
         marker_.open(words) && into_young_.open(words) &&
         arrays_.open(words / long_arrays::piece_length) && fresh_large_.open(blocks_.count());
}

// ---- Allocation

bump_range old_space::refill(line_cursor& at, std::size_t bytes) {
  bump_range hole = lines_.next_hole(at, bytes);
  if (hole.cursor != nullptr) return hole;
  std::lock_guard guard{core_.lock()};
  if (bytes < medium_bytes) {
    hole = lines_.recycle(at, bytes, sizes::small);
    if (hole.cursor != nullptr) return hole;
  }
  // What a thread bumps through takes what comes.
  std::size_t block = make_room(1) ? lines_.take(sizes::small) : blocks::none;
  if (block != blocks::none)
    return {blocks_.address_of(block), blocks_.address_of(block) + detail::block_bytes};
  hole = lines_.recycle(at, bytes, sizes::medium);
  return hole.cursor != nullptr ? hole : lines_.recycle(at, bytes, sizes::small);
}

std::byte* old_space::take_large(std::size_t bytes) {
  std::byte* at = nullptr;
  {
    std::lock_guard guard{core_.lock()};
    if (!make_room(large_space::blocks_for(bytes))) return nullptr;
    at = large_.take(bytes);
    if (at == nullptr && !large_.is_swept()) {
      sweep_large();
      at = large_.take(bytes);
    }
    if (at == nullptr) return nullptr;
    new_bytes_ += bytes;
    // Until a collection comes to it, it is as young as what it may refer to.
    if (young_bytes_ != 0) {
      std::memset(&detail::log_word(at), 0, base::divide_up(bytes, 512) * 8);
      fresh_large_.push(at + header::bytes);
    }
  }
  std::memset(at, 0, bytes);
  // A new object is not what a marking under way looks for.
  if (is_under_way()) header::set_mark(at + header::bytes, core_.epoch());
  return at;
}

std::byte* old_space::take_promoted_slow(promotion& to, std::size_t bytes, std::mutex* lock) {
  bool is_medium = bytes >= medium_bytes;
  bump_range& range = is_medium ? to.medium : to.small;
  if (is_medium) {
    if (std::byte* at = range.take(bytes)) return at;
  }
  line_cursor& cursor = is_medium ? to.medium_cursor : to.small_cursor;
  range = lines_.next_hole(cursor, bytes);
  if (range.cursor == nullptr) {
    std::unique_lock<std::mutex> held;
    if (lock != nullptr) held = std::unique_lock(*lock);
    range = take_for_promotion(cursor, bytes);
  }
  arm_all(range);
  return range.take(bytes);
}

// Where whole blocks are scarce, large objects need them more.
bump_range old_space::take_for_promotion(line_cursor& at, std::size_t bytes) {
  sizes own = sizes_of(bytes);
  bump_range hole = lines_.recycle(at, bytes, own, most_looked_at);
  if (hole.cursor == nullptr && !has_room(most_blocks_ / scarce_share))
    hole = lines_.recycle(at, bytes, own == sizes::small ? sizes::medium : sizes::small,
                          most_looked_at);
  if (hole.cursor != nullptr) return hole;
  std::size_t block = lines_.take(own);
  STRATA_CHECK(block != blocks::none);
  return {blocks_.address_of(block), blocks_.address_of(block) + detail::block_bytes};
}

// What is left in them is anybody's.
void old_space::leave_buffers() {
  to_ = {};
  for (promotion& each : to_of_helpers_) each = {};
}

bool old_space::make_room(std::size_t wanted, std::size_t most_swept) {
  for (; blocks_.used() + wanted + kept_free_ > most_blocks_; --most_swept) {
    if (most_swept == 0) return false;
    if (!large_.is_swept())
      large_.sweep_some(1, core_.epoch());
    else if (!lines_.sweep_next())
      return false;
  }
  return true;
}

blocks::fresh old_space::next_fresh(std::size_t ahead) {
  std::size_t room = most_blocks_ - base::smaller(most_blocks_, blocks_.used());
  return blocks_.next_fresh(young_bytes_ >> detail::block_shift, base::smaller(ahead, room));
}

void old_space::populate(const blocks::fresh& range) {
  std::byte* start = blocks_.address_of(range.first);
  // One at a time: while the system looks for pages, nobody may change what they are for.
  for (std::size_t each = 0; each < range.count; ++each)
    os::populate(start + each * detail::block_bytes, detail::block_bytes);
  std::uintptr_t page = os::page_bytes() - 1;
  std::uintptr_t from = (detail::log_bias + base::address_of(start) / 64) & ~page;
  std::uintptr_t to =
      detail::log_bias + base::address_of(start + range.count * detail::block_bytes) / 64;
  os::populate(base::pointer_to(from), base::align_up(to - from, page + 1));
  blocks_.found();
}

// Lines are four bytes of the log. relaxed: threads that promote beside each other have lines of one word.
void old_space::arm_all(const bump_range& range) const {
  if (!stores_are_noted_) return;
  auto* at =
      detail::pointer_to<std::uint32_t>(detail::log_bias + base::address_of(range.cursor) / 64);
  auto lines = static_cast<std::size_t>(range.end - range.cursor) / line_space::line_bytes;
  for (std::size_t line = 0; line < lines; ++line)
    std::atomic_ref<std::uint32_t>(at[line]).store(~std::uint32_t{0}, std::memory_order_relaxed);
}

void old_space::note_stores(bool are_noted) {
  stores_are_noted_ = are_noted;
  std::size_t end = blocks_.touched() * detail::block_bytes;
  if (end <= young_bytes_) return;
  std::memset(detail::pointer_to(detail::log_bias + (blocks_.base() + young_bytes_) / 64),
              are_noted ? 0xff : 0, (end - young_bytes_) / 64);
  if (!are_noted) into_young_.trim(0);
}

// ---- Marking

void old_space::begin() {
  sweep_large();
  core_.next_epoch();
  core_.weaks().begin_marking();
  leave_buffers();
  lines_.begin(core_.epoch());
  marker_.begin(core_.epoch(), blocks_.base() + young_bytes_);
  stage_ = stage::marking;
  moving_ = false;
  new_before_bytes_ = new_bytes_;
  moved_live_bytes_ = 0;
}

// Where there is little, threads would be woken for less than it takes to wake them.
void old_space::mark_all() {
  bool is_much = core_.options().stress.share_always ||
                 blocks_.used() * detail::block_bytes >= least_parallel_bytes;
  if (parallel_ == nullptr || !is_much) return marker_.run();
  std::size_t words = blocks_.count() * detail::block_bytes / detail::word_bytes;
  parallel_->run(words, blocks_.base() + young_bytes_);
}

void old_space::finish() {
  core_.weaks().finish(*this, core_.weaks().of_old, weak_set::cleaners::of_all_objects);
  if (moving_) lines_.absolve();
  end_marking();
}

void old_space::settle_lives() {
  core_.weaks().settle_lives(*this);
  stage_ = stage::clearing;
}

void old_space::end_marking() {
  core_.weaks().of_old.clear();
  leave_buffers();
  lines_.end();
  if (!moving_) forget_dead_fields();
  large_.begin_sweep();
  // What came while it was marked is held, too.
  live_bytes_ = marker_.live_bytes() + moved_live_bytes_ + (new_bytes_ - new_before_bytes_);
  new_bytes_ = 0;
  stage_ = stage::idle;
}

// Before dead large objects go back.
void old_space::forget_dead_fields() {
  std::size_t kept = 0;
  for (void** field : into_young_) {
    std::size_t block = blocks_.index_of(field);
    if (blocks_.use_of(block) == use::lines ? lines_.line_is_free(field)
                                            : !large_.lives(field, core_.epoch()))
      continue;
    into_young_[kept++] = field;
  }
  into_young_.shorten(kept);
}

void old_space::trace(void*& object) {
  if (placed_) {
    tell(&object);
  } else if (moving_) {
    visit(&object);
    drain();
  } else {
    marker_.push(object);
    marker_.run();
  }
}

// ---- Moving

void old_space::condemn() {
  if (!may_move()) return;
  std::size_t most = most_blocks_while_moving();
  std::size_t spare = most - base::smaller(most, blocks_.used());
  moving_ = lines_.condemn(spare) > 0;
  core_.each_pinned([this](void* object) {
    if (blocks_.use_at(object) == use::lines_from)
      blocks_.set_use(blocks_.index_of(object), use::lines);
  });
}

// Places are known: all that refers to objects is told, and they move.
void old_space::slide() {
  core_.weaks().finish(*this, core_.weaks().of_old, weak_set::cleaners::of_all_objects);
  lines_.forget_marking();
  blocks_.each_used([this](std::size_t block, use as) {
    void* start = blocks_.address_of(block);
    if (as == use::lines) arm_all({blocks_.address_of(block), blocks_.address_of(block + 1)});
    if (as != use::large) return;
    void* object = static_cast<std::byte*>(start) + header::bytes;
    if (marker_.is_marked(object)) tell_fields_of(object, *type_of_object(object));
  });
  moved_bytes_ += compaction_.move([this](void* object, type& of) {
    lines_.mark_lines(static_cast<std::byte*>(object) - header::bytes, object_bytes(object, of),
                      core_.epoch());
    tell_fields_of(object, of);
  });
  compaction_.end();
}

// Compaction's tables take their place in the limit. What refers to young objects is found once more.
void old_space::leave_room_for_tables() {
  blocks_.leave_room(blocks_.used() / compaction::table_share + 1);
  into_young_.clear();
  into_young_.trim(0);
  core_.stack().trim(0);
  core_.world().each([](record& of) { of.log.trim(0); });
}

void old_space::tell_fields_of(void* object, type& of) {
  each_field(object, of, [this](void** field) {
    tell(field);
    if (young_bytes_ != 0 && is_young(*field)) remember(field);
  });
}

void old_space::drain() {
  work_stack& stack = core_.stack();
  auto look_at = [this](void** field) {
    visit(field);
    if (young_bytes_ != 0 && is_young(*field)) remember(field);
  };
  while (!stack.empty() || arrays_.scan_piece(look_at)) {
    if (stack.empty()) continue;
    void* object = stack.pop();
    type& of = *type_of_object(object);
    core_.weaks().of_old.discover(object, of.kind);
    if (of.mirror != nullptr) visit(of.mirror);
    if (!arrays_.put_off(object, of)) each_field(object, of, look_at);
  }
}

void old_space::visit(void** field) {
  void* object = *field;
  if (!is_reference(object) || is_young(object)) return;
  std::uint64_t word = header::load(object);
  if ((word & header::forwarded) != 0) {
    *field = header::forwarding(word);
    return;
  }
  if (marker_.is_marked(object)) return;
  core_.weaks().of_old.reached(object);
  std::size_t bytes = object_bytes(object, *header::type_in(object, word));
  if (blocks_.use_at(object) == use::lines_from) {
    if (void* copy = copy_of(object, word, bytes)) {
      header::forward(object, copy);
      *field = object = copy;
      bytes += header::growth(word);
    }
  }
  moved_live_bytes_ += bytes;
  marker_.blacken(object, bytes);
  core_.stack().push(object);
}

void* old_space::copy_of(void* object, std::uint64_t word, std::size_t bytes) {
  std::size_t copied_bytes = bytes + header::growth(word);
  sizes own = sizes_of(copied_bytes);
  bump_range& range = own == sizes::medium ? to_.medium : to_.small;
  std::byte* to = range.take(copied_bytes);
  if (to == nullptr) {
    if (blocks_.used() >= most_blocks_while_moving()) return nullptr;
    std::size_t block = lines_.take(own);
    if (block == blocks::none) return nullptr;
    range = {blocks_.address_of(block), blocks_.address_of(block) + detail::block_bytes};
    arm_all(range);
    to = range.take(copied_bytes);
  }
  copy_object(to, static_cast<std::byte*>(object) - header::bytes, bytes);
  carry_hash(to + header::bytes, object, word, bytes, blocks_);
  moved_bytes_ += copied_bytes;
  return to + header::bytes;
}

}  // namespace strata::gc
