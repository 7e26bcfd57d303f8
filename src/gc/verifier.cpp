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
    if (core_.options().stress.check_maps) check_maps();
    return found_;
  }

 private:
  // All that is alive has been seen.
  void check_maps() {
    std::size_t end = blocks_.count() * detail::block_bytes / detail::word_bytes;
    for (std::size_t at = seen_.find(true, 0, end); at < end; at = seen_.find(true, at + 1, end)) {
      auto* object = base::pointer_to<void*>(blocks_.base() + at * detail::word_bytes);
      check_plain_words(object, *type_of_object(object));
    }
  }
  void check_plain_words(void** object, const type& of) {
    switch (of.kind) {
      case shape::leaf:
      case shape::masked:
        return check_plain_words(object, of.bytes, of.mask);
      case shape::listed: {
        std::size_t next = 0;  // what lies before it is checked
        for (std::uint32_t at = 0; at < of.offset_count; ++at) {
          check_plain_words(object + next, of.offsets[at] - next * detail::word_bytes, 0);
          next = of.offsets[at] / detail::word_bytes + 1;
        }
        return check_plain_words(object + next, of.bytes - next * detail::word_bytes, 0);
      }
      case shape::struct_array: {
        std::size_t length = *reinterpret_cast<std::size_t*>(object);
        std::size_t words = of.element_bytes / detail::word_bytes;
        for (std::size_t at = 0; at < length && words * detail::word_bytes == of.element_bytes;
             ++at)
          check_plain_words(object + 1 + at * words, of.element_bytes, of.mask);
        return;
      }
      default:
        return;
    }
  }
  // Of the first 64 those that the mask doesn't have are plain.
  void check_plain_words(void** words, std::size_t bytes, std::uint64_t mask) {
    for (std::size_t at = 0; at < bytes / detail::word_bytes; ++at) {
      if (at < 64 && (mask >> at & 1) != 0) continue;
      void* word = words[at];
      if (!is_reference(word) || !blocks_.has(word) ||
          base::address_of(word) % detail::word_bytes != 0)
        continue;
      if (seen_.test((base::address_of(word) - blocks_.base()) / detail::word_bytes))
        broken("a word that its type's map knows for plain is an object's address", words + at);
    }
  }

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
    if (as != use::objects && as != use::lines && as != use::slots && as != use::large)
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
