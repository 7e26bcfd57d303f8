// bump: rewind, reset, release, merge, objects with destructors, resize of the youngest block.
#include <strata/bump.hpp>

#include <optional>

#include "fuzz.hpp"

using namespace strata;

namespace {

// Counts those of its kind, by their number in the order of making.
struct mortal {
  mortal(std::vector<std::uint64_t>& into, std::uint64_t which) : living(&into), number(which) {
    living->push_back(which);
  }
  mortal(const mortal&) = delete;
  mortal& operator=(const mortal&) = delete;
  ~mortal() {
    fuzz::expect(!living->empty() && living->back() == number, "not the youngest dies first");
    living->pop_back();
  }
  std::vector<std::uint64_t>* living;
  std::uint64_t number;
};

struct place {
  bump::marker marker;
  std::uint64_t next_number;
  std::size_t blocks;  // that lived then
  std::size_t objects;
};

class program {
 public:
  program(bump& one, bump::options chosen, fuzz::upstream& memory)
      : bump_(one), chosen_(chosen), memory_(memory) {}

  void operator()(fuzz::seat<bump>& seat, const fuzz::record& now) {
    switch (now.operation()) {
      case 9:
        if (places_.size() < 64) {
          places_.push_back(
              {bump_.mark(), seat.live().next_number(), seat.live().count(), living_.size()});
        }
        break;
      case 10:
        rewind(seat, now.which);
        break;
      case 11:
        if (now.flavour() == 0) {
          bump_.release();
          end_all(seat);
        } else if (now.flavour() == 1) {
          bump_.reset();
          end_all(seat);
        }
        break;
      case 12:
        make();
        break;
      case 13:
        resize(seat, now);
        break;
      case 14:
        merge(now);
        break;
      default:
        break;
    }
  }
  void expect_none() { fuzz::expect(living_.empty(), "an object outlives its memory"); }

 private:
  void end_all(fuzz::seat<bump>& seat) {
    seat.live().forget_from(0);
    places_.clear();
    expect_none();
    fuzz::expect(bump_.statistics().used_bytes == 0, "reset leaves something in use");
  }
  // Not where a block that is older than the mark was given back since.
  void rewind(fuzz::seat<bump>& seat, std::size_t index) {
    if (places_.empty()) return;
    std::size_t kept = index % places_.size();
    place to = places_[kept];
    places_.resize(kept);
    if (seat.live().count_before(to.next_number) != to.blocks) return;
    bump_.rewind(to.marker);
    seat.live().forget_from(to.next_number);
    fuzz::expect(living_.size() == to.objects, "rewind leaves objects alive, or takes too many");
  }
  void make() {
    try {
      bump_.make<mortal>(living_, made_);
      ++made_;
    } catch (const std::bad_alloc&) {
    }
  }
  void resize(fuzz::seat<bump>& seat, const fuzz::record& now) {
    fuzz::live_blocks& live = seat.live();
    std::size_t bytes = fuzz::size_from(now.amount);
    if (!live.has(now.which) || bytes == 0 || live[now.which].bytes == 0) return;
    // What is resized may be older than a mark: then nothing can be rewound to any more.
    fuzz::block old = live[now.which];
    live.look(now.which);
    if (!bump_.resize(old.start, old.bytes, bytes)) return;
    live.resize(now.which, old.start, bytes);
    places_.clear();
  }
  void merge(const fuzz::record& now) {
    bump other(&memory_, chosen_);
    std::size_t blocks = now.flavour();
    for (std::size_t i = 0; i < blocks; ++i) {
      if (other.try_allocate(fuzz::size_from(now.amount), 8) == nullptr) break;
    }
    std::size_t used = bump_.statistics().used_bytes + other.statistics().used_bytes;
    bump_.merge(other);
    other.verify();
    fuzz::expect(other.statistics().held_bytes == 0, "merge leaves something behind");
    fuzz::expect(bump_.statistics().used_bytes == used, "merge loses something");
    places_.clear();
  }

  bump& bump_;
  bump::options chosen_;
  fuzz::upstream& memory_;
  std::vector<place> places_;
  std::vector<std::uint64_t> living_;
  std::uint64_t made_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  fuzz::record choices = from.next();
  fuzz::upstream memory;
  bump::options chosen{.first_chunk_bytes = std::size_t{64} << choices.which % 8,
                       .most_chunk_bytes = std::size_t{64} << (choices.which >> 4U)};
  bool limited = choices.flavour() % 4 == 1;
  if (limited) chosen.most_bytes = choices.amount;
  std::vector<std::byte> buffer(choices.flavour() >= 8 ? choices.amount % 2048 : 0);
  bump one(buffer, &memory, chosen);
  program own(one, chosen, memory);
  // A block that is not the youngest stays in use when it is freed.
  fuzz::run(from, memory, one, {.may_refuse = limited, .counts_use = false},
            [&](fuzz::seat<bump>& seat, const fuzz::record& now) { own(seat, now); });
  one.release();
  own.expect_none();
  one.verify();
  return 0;
}
