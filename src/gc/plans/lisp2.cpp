// Sliding compaction in three passes, as LISP 2's collector did it (Knuth, 'The art of computer programming',
// volume 1, exercise 2.5-33): find each object's new place and note it in the object, tell references, move.
//
//   header   | type ............... | state |      of an object that lives, before and after
//            | place | number | state |            between the first pass and the third
//
//   place    where it goes, as words from the heap's base on: 36 bits
//   number   that of its type in this collection: 24 bits
//
// So the note takes no word more. Objects are found by their extents' bits, not by walking over dead ones.
#include <type_traits>

#include "gc/plans/compacting.hpp"
#include "gc/type_numbers.hpp"

namespace strata::gc {
namespace {

// The word of a header that tells the type, and what is put there meanwhile.
class placed_header {
 public:
  static constexpr unsigned place_bits = 36;

  static std::uint64_t& word_at(std::byte* start) {
    return *reinterpret_cast<std::uint64_t*>(start);
  }
  static void put(std::byte* start, std::size_t place, std::uint32_t number) {
    std::uint64_t& word = word_at(start);
    word = (std::uint64_t{place} << place_shift) | (std::uint64_t{number} << state_bits) |
           (is_compact ? word & state : 0);
  }
  static std::size_t place(std::byte* start) {
    return static_cast<std::size_t>(word_at(start) >> place_shift);
  }
  static std::uint32_t number(std::byte* start) {
    return static_cast<std::uint32_t>(word_at(start) >> state_bits) & (type_numbers::most - 1);
  }
  static void restore(std::byte* start, const type* of) {
    std::uint64_t& word = word_at(start);
    word = is_compact ? (std::uint64_t{base::address_of(of)} << 16) | (word & state)
                      : base::address_of(of);
  }

 private:
  static constexpr bool is_compact = std::is_same_v<header, detail::compact_header>;
  static constexpr unsigned state_bits = 4;  // without age and mark, which are 0 here
  static constexpr std::uint64_t state = (1 << state_bits) - 1;
  static constexpr unsigned place_shift = 64 - place_bits;
};

class lisp2 final : public compacting<lisp2> {
 public:
  explicit lisp2(core& of) : compacting(of) {}

  bool open() override {
    return blocks_.count() * block_words < std::size_t{1} << placed_header::place_bits &&
           types_.open() && compacting::open();
  }

  void begin() { types_.clear(); }
  static void note(void*, std::uint64_t) {}
  void keep(void* object) { slide_.keep_chunk_of(object); }

  void place() {
    each([this](std::size_t first, std::size_t last) {
      std::byte* start = live_.at(first);
      void* object = live_.object_at(first);
      std::uint64_t word = header::load(object);
      std::size_t words = last + 1 - first;
      std::size_t to = first;
      if (!slide_.is_kept(first / chunk_words)) {
        std::size_t growth = header::growth(word) / detail::word_bytes;
        to = slide_.place(words + growth, first);
        slide_.settle(to + words + (to == first ? 0 : growth));
      }
      placed_header::put(start, to, types_.number_of(header::type_in(object, word)));
    });
    slide_.end();
  }
  [[nodiscard]] STRATA_INLINE void* new_address(void* object) const {
    if (is_large(object)) return object;
    return live_.object_at(placed_header::place(static_cast<std::byte*>(object) - header::bytes));
  }
  void move() {
    each([this](std::size_t first, std::size_t) {
      tell_fields_of(live_.object_at(first), *types_.at(placed_header::number(live_.at(first))));
    });
    each([this](std::size_t first, std::size_t last) { move(first, last + 1 - first); });
  }
  void reclaim(blocks::after then) { slide_.reclaim(then); }

 private:
  template <class Visit>
  void each(Visit visit) {
    blocks_.each_used([&](std::size_t block, use as) {
      if (as == use::objects) live_.each_in_block(block, visit);
    });
  }
  void move(std::size_t first, std::size_t words) {
    std::byte* from = live_.at(first);
    std::size_t to = placed_header::place(from);
    placed_header::restore(from, types_.at(placed_header::number(from)));
    void* object = live_.object_at(first);
    std::uint64_t word = header::load(object);
    if (to == first) {
      if (header::growth(word) != 0) slide_.keep_salt_of(first);
      return;
    }
    std::size_t bytes = words * detail::word_bytes;
    slide_object(live_.at(to), from, bytes);
    carry_hash(live_.object_at(to), object, word, bytes, blocks_);
    moved_bytes += bytes + header::growth(word);
  }

  type_numbers types_;
};

}  // namespace

std::unique_ptr<plan_base> make_lisp2(core& of) { return std::make_unique<lisp2>(of); }

}  // namespace strata::gc
