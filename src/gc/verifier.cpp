#include "gc/verifier.hpp"

#include "base/bits.hpp"
#include "gc/object_inl.hpp"
#include "os/memory.hpp"

namespace strata::gc {
namespace {

[[noreturn]] void broken(const char* how, const void* object) {
  fatal(misuse::corrupt_metadata, object, 0, how);
}

// Marks in bits of its own, so that it disturbs no collection and trusts none.
class verifier {
 public:
  explicit verifier(core& of) : core_(of), blocks_(of.blocks()) {
    bytes_ = base::align_up(blocks_.count() * detail::block_bytes / 64, os::page_bytes());
    void* words = os::map(bytes_, os::page_bytes());
    STRATA_CHECK(words != nullptr);
    seen_ = base::bit_row{static_cast<std::uint64_t*>(words)};
    words_ = words;
    STRATA_CHECK(stack_.open(blocks_.count() * detail::block_bytes / 16));
  }
  verifier(const verifier&) = delete;
  verifier& operator=(const verifier&) = delete;
  ~verifier() { os::release(words_, bytes_); }

  census run() {
    core_.each_root([this](void** root) { reach(*root); });
    while (!stack_.empty()) {
      void* object = stack_.pop();
      type& of = *type_of_object(object);
      if (of.mirror != nullptr) reach(*of.mirror);
      each_field(object, of, [&](void** field) {
        reach(*field);
        if (const char* complaint = core_.plan().complaint_about(object, field))
          broken(complaint, field);
      });
    }
    return found_;
  }

 private:
  void reach(void* object) {
    if (!is_reference(object)) return;
    if (!blocks_.has(object)) broken("a reference out of the heap", object);
    if (base::address_of(object) % detail::word_bytes != 0)
      broken("a reference to no whole word", object);
    std::size_t word = (base::address_of(object) - blocks_.base()) / detail::word_bytes;
    if (seen_.test(word)) return;
    seen_.set(word);
    std::size_t bytes = check(object);
    ++found_.objects;
    found_.bytes += bytes;
    stack_.push(object);
  }

  // Its bytes, with the header.
  std::size_t check(void* object) {
    std::byte* start = static_cast<std::byte*>(object) - header::bytes;
    std::size_t block = blocks_.index_of(start);
    use as = blocks_.use_of(block);
    if (as != use::objects && as != use::lines && as != use::large)
      broken("a reference to a block without objects", object);
    if ((header::load(object) & header::forwarded) != 0)
      broken("a reference to an object that has moved", object);
    type* of = type_of_object(object);
    if (of == nullptr || of->magic != detail::type_magic)
      broken("an object without a type", object);
    std::size_t bytes = object_bytes(object, *of);
    std::byte* end = blocks_.address_of(block) + detail::block_bytes;
    if (as == use::large) {
      if (start != blocks_.address_of(block)) broken("a reference into a large object", object);
      end = start + blocks_.run_of(block) * detail::block_bytes;
    }
    if (bytes > static_cast<std::size_t>(end - start))
      broken("an object longer than its blocks", object);
    return bytes;
  }

  core& core_;
  blocks& blocks_;
  base::bit_row seen_{nullptr};
  void* words_ = nullptr;
  std::size_t bytes_ = 0;
  work_stack stack_;
  census found_;
};

}  // namespace

census verify_heap(core& of) { return verifier{of}.run(); }

}  // namespace strata::gc
