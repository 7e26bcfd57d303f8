#include "gc/parallel_young.hpp"

#include <array>

#include "gc/object_inl.hpp"
#include "os/process.hpp"

namespace strata::gc {

class parallel_young::copier {
 public:
  copier(parallel_young& of, work_stack& stack, unsigned number)
      : of_(of),
        core_(of.core_),
        blocks_(of.blocks_),
        young_(of.young_),
        old_(of.old_),
        stack_(stack),
        to_(of.old_.promotion_of(number)) {}

  void begin(const bump_range& survivors) {
    survivors_ = survivors;
    is_out_of_survivors_ = false;
    moved_bytes_ = promoted_bytes_ = 0;
  }
  // Until nobody has anything left.
  void run() {
    push_fields_of_stack();
    do {
      drain();
      for (std::size_t at = 0, end = 0; of_.take_piece(at, end); drain()) push_remembered(at, end);
    } while (of_.shared_.take(stack_));
    append_remembered();
  }
  void end(result& done) {
    done.moved_bytes += moved_bytes_;
    done.promoted_bytes += promoted_bytes_;
    old_.add_settled(promoted_bytes_);
    stack_.trim();
  }
  [[nodiscard]] const bump_range& survivors() const { return survivors_; }

 private:
  static constexpr std::size_t least_given = 8;
  static constexpr std::size_t ahead = 12;
  static constexpr std::size_t prefetched_bytes = 256;

  // Those that refer to nothing young any more are noted at once.
  void push_remembered(std::size_t at, std::size_t end) {
    row<void**>& fields = old_.into_young();
    for (; at < end; ++at) {
      if (at + ahead < end) __builtin_prefetch(fields[at + ahead]);
      void** field = fields[at];
      if (!push(field)) note(field, load(field));
    }
  }

  void drain() {
    while (!stack_.empty()) {
      if (of_.shared_.is_wanted() && stack_.size() >= least_given) of_.shared_.give(stack_);
      visit(static_cast<void**>(stack_.pop()));
    }
  }

  // Fields of the stack's objects, which were copied by the collecting thread alone.
  void push_fields_of_stack() {
    row<void*>& stack = stack_;
    std::size_t count = stack.size();
    for (std::size_t at = 0; at < count; ++at) scan(stack[at]);
    stack.erase(0, count);
  }

  void scan(void* object) {
    type& of = *type_of_object(object);
    shape kind = shape_of(of);
    if (STRATA_UNLIKELY(kind == shape::weak || kind == shape::ephemeron)) {
      std::lock_guard guard{of_.lock_};
      core_.weaks().of_young.discover(object, kind);
    }
    each_field(object, of, [this](void** field) { push(field); });
  }

  // Whoever comes to an object writes to its header: it is fetched meanwhile. False where the field refers to nothing
  // young.
  bool push(void** field) {
    void* object = load(field);
    if (!young_.has(object) || is_immediate(base::address_of(object))) return false;
    os::prefetch_to_write(static_cast<std::byte*>(object) - header::bytes);
    stack_.push(field);
    return true;
  }

  void visit(void** field) {
    void* object = load(field);
    void* now = object;
    use as = blocks_.use_at(object);
    if (as == use::from) {
      now = copy_of(object);
      std::atomic_ref<void*>(*field).store(now, std::memory_order_release);
    } else if (as == use::from_pinned && header::take_mark(object, of_.what_.in_place_mark)) {
      {
        std::lock_guard guard{of_.lock_};
        of_.in_place_.push(object);
      }
      scan(object);
    }
    if (!young_.has(field)) note(field, now);
  }
  // Two threads that stored to an old field at once have both noted it, and two copiers may visit it. acquire and
  // release: see header::try_forward.
  static void* load(void** field) {
    return std::atomic_ref<void*>(*field).load(std::memory_order_acquire);
  }

  // An old field is remembered, and its bit clear, where it refers to what is young.
  void note(void** field, void* object) {
    std::uint64_t bit = std::uint64_t{1} << (detail::address_of(field) / detail::word_bytes % 64);
    std::atomic_ref<std::uint64_t> bits(detail::log_word(field));
    bool is_set = (bits.load(std::memory_order_relaxed) & bit) != 0;
    bool is_young = young_.has(object);
    if (is_young) append(field);
    if (is_young && is_set) bits.fetch_and(~bit, std::memory_order_relaxed);
    if (!is_young && !is_set) bits.fetch_or(bit, std::memory_order_relaxed);
  }

  void* copy_of(void* object) {
    std::uint64_t word = header::load_acquire(object);
    if ((word & header::forwarded) != 0) return header::forwarding(word);
    std::size_t bytes = object_bytes(object, *header::type_in(object, word), word);
    std::size_t copied_bytes = bytes + header::growth(word);
    bump_range& range = take(word, copied_bytes);
    os::prefetch_to_write(range.cursor + prefetched_bytes);
    std::byte* to = range.cursor - copied_bytes;
    bool is_promoted = &range != &survivors_;
    void* copy = to + header::bytes;
    // The word may be another's forwarding by now.
    header::copy_type(copy, object);
    header::at(copy) = word;
    copy_object(to + header::bytes, static_cast<std::byte*>(object), bytes - header::bytes);
    carry_hash(copy, object, word, bytes, blocks_);
    std::uint64_t carried = header::at(copy);
    header::at(copy) =
        is_promoted ? old_.settled(carried) : header::with_age(carried, header::age(carried) + 1);
    if (STRATA_UNLIKELY(!header::try_forward(object, word, copy))) {
      range.cursor = to;
      return header::forwarding(word);
    }
    moved_bytes_ += copied_bytes;
    if (is_promoted) {
      promoted_bytes_ += copied_bytes;
      old_.mark_settled(copy, copied_bytes);
    }
    scan(copy);
    return copy;
  }

  // The range that room has been taken from; it can be given back.
  bump_range& take(std::uint64_t word, std::size_t bytes) {
    bool is_survivor = !of_.what_.promotes_all && header::age(word) < of_.what_.tenure_age;
    if (is_survivor && (survivors_.take(bytes) != nullptr || take_from_next(bytes)))
      return survivors_;
    return old_.take_promoted(to_, bytes, of_.lock_);
  }
  STRATA_NOINLINE bool take_from_next(std::size_t bytes) {
    if (is_out_of_survivors_) return false;
    std::lock_guard guard{of_.lock_};
    bump_range next = young_.take_for_survivors(of_.what_.most_survivor_blocks);
    is_out_of_survivors_ = next.cursor == nullptr;
    if (is_out_of_survivors_) return false;
    survivors_ = next;
    return survivors_.take(bytes) != nullptr;
  }

  void append(void** field) {
    if (remembered_count_ == remembered_.size()) append_remembered();
    remembered_[remembered_count_++] = field;
  }
  void append_remembered() {
    std::lock_guard guard{of_.lock_};
    for (std::size_t at = 0; at < remembered_count_; ++at) old_.into_young().push(remembered_[at]);
    remembered_count_ = 0;
  }

  parallel_young& of_;
  core& core_;
  blocks& blocks_;
  young_space& young_;
  old_space& old_;
  work_stack& stack_;
  old_space::promotion& to_;
  bump_range survivors_;
  bool is_out_of_survivors_ = false;
  std::uint64_t moved_bytes_ = 0;
  std::uint64_t promoted_bytes_ = 0;
  std::size_t remembered_count_ = 0;
  std::array<void**, 256> remembered_{};
};

parallel_young::parallel_young(core& of, young_space& young, old_space& old, row<void*>& in_place)
    : core_(of), blocks_(of.blocks()), young_(young), old_(old), in_place_(in_place) {}
parallel_young::~parallel_young() = default;

bool parallel_young::run(const task& what, result& done) {
  workers& helpers = *old_.helpers();
  if (!open(helpers.helpers())) return false;
  what_ = what;
  next_field_.store(what.from, std::memory_order_relaxed);
  shared_.begin();
  for (unsigned number = 0; number < copiers_.size(); ++number)
    copiers_[number]->begin(number == 0 ? young_.survivors() : bump_range{});
  auto share = [this](unsigned number) {
    if (number == 0 || shared_.enter()) copiers_[number]->run();
  };
  helpers.run(share);
  for (auto& each : copiers_) each->end(done);
  young_.survivors() = copiers_[0]->survivors();
  return true;
}

bool parallel_young::open(unsigned helpers) {
  if (!copiers_.empty()) return true;
  std::size_t most_entries = young_.count() * detail::block_bytes / detail::word_bytes;
  is_refused_ = !shared_.open(most_entries);
  if (is_refused_) return false;
  copiers_.push_back(std::make_unique<copier>(*this, core_.stack(), 0));
  while (copiers_.size() <= helpers) {
    stacks_.push_back(std::make_unique<work_stack>());
    auto number = static_cast<unsigned>(copiers_.size());
    copiers_.push_back(std::make_unique<copier>(*this, *stacks_.back(), number));
    is_refused_ = !stacks_.back()->open(most_entries);
    if (!is_refused_) continue;
    copiers_.clear();
    stacks_.clear();
    return false;
  }
  return true;
}

// False when all have been taken. relaxed: who is woken for this task knows all that was written before.
bool parallel_young::take_piece(std::size_t& from, std::size_t& to) {
  if (next_field_.load(std::memory_order_relaxed) >= what_.to) return false;
  from = next_field_.fetch_add(piece_fields, std::memory_order_relaxed);
  to = base::smaller(from + piece_fields, what_.to);
  return from < to;
}

}  // namespace strata::gc
