// Sliding compaction by bitmap and offsets, as the Compressor's (Kermany and Petrank, 2006; Abuaiadh and others,
// 2004), with the world stopped: new places are found from the bits of what lives, and one pass over the heap
// moves objects and tells references.
//
//   mark --> extents --> an offset a chunk --> move and tell
#include "gc/offset_table.hpp"
#include "gc/plans/compacting.hpp"

namespace strata::gc {
namespace {

class compressor final : public compacting<compressor> {
 public:
  explicit compressor(core& of) : compacting(of), offsets_(blocks_, live_, slide_) {}

  bool open() override { return compacting::open() && offsets_.open(); }

  static void begin() {}
  void note(void* object, std::uint64_t word) { offsets_.note(object, word); }
  void keep(void* object) { slide_.keep_chunk_of(object); }
  void place() { offsets_.place(); }
  [[nodiscard]] STRATA_INLINE void* new_address(void* object) const {
    return offsets_.new_address(object);
  }
  void move() {
    moved_bytes += offsets_.move([this](void* object, type& of) { tell_fields_of(object, of); });
  }
  void reclaim(blocks::after then) { slide_.reclaim(then); }

 private:
  offset_table offsets_;
};

}  // namespace

std::unique_ptr<plan_base> make_compressor(core& of) { return std::make_unique<compressor>(of); }

}  // namespace strata::gc
