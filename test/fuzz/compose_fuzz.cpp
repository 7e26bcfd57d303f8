// Resources made of resources: the input chooses one of twelve compositions.
#include <strata/account.hpp>
#include <strata/bitmap.hpp>
#include <strata/buddy.hpp>
#include <strata/bump.hpp>
#include <strata/compose.hpp>
#include <strata/diagnose.hpp>
#include <strata/free_list.hpp>
#include <strata/pools.hpp>
#include <strata/slab.hpp>
#include <strata/thread_front.hpp>
#include <strata/tlsf.hpp>

#include "fuzz.hpp"

using namespace strata;

namespace {

class composition {
 public:
  composition(fuzz::input& from, const fuzz::record& choices)
      : from_(from), amount_(choices.amount), buffer_(choices.amount % 8192U) {}

  void run(unsigned number) {
    switch (number % 12) {
      case 0:
        return bump_then_heap();
      case 1:
        return list_then_heap();
      case 2:
        return parted_by_size();
      case 3:
        return parted_at_runtime();
      case 4:
        return with_a_limit();
      case 5:
        return plain<fenced<best_fit>>({});
      case 6:
        return plain<tracked<pools>>({});
      case 7:
        return with_failures();
      case 8:
        return all_at_once();
      case 9:
        return plain<thread_front<tracked<>>>({});
      case 10:
        return three_in_a_row();
      default:
        return charged();
    }
  }

 private:
  template <class Resource>
  void plain(fuzz::expectations rules) {
    Resource one(&memory_);
    fuzz::run(from_, memory_, one, rules);
  }
  static std::pmr::memory_resource* nothing() { return std::pmr::null_memory_resource(); }
  std::span<std::byte> buffer() { return buffer_; }

  void bump_then_heap() {
    fallback<bump, tracked<>> one(std::piecewise_construct,
                                  std::forward_as_tuple(buffer(), nothing()),
                                  std::forward_as_tuple(&memory_));
    fuzz::run(from_, memory_, one, {.counts_use = false});
  }
  void list_then_heap() {
    fallback<first_fit, upstream_ref> one(buffer(), &memory_);
    fuzz::run(from_, memory_, one, {.has_map = false});
  }
  void parted_by_size() {
    segregator<64, best_fit, tracked<>> one(&memory_, &memory_);
    fuzz::run(from_, memory_, one);
  }
  void parted_at_runtime() {
    segregator<told_at_runtime, tlsf, bitmap> one(amount_ % 1024U, &memory_, &memory_);
    fuzz::run(from_, memory_, one);
  }
  void with_a_limit() {
    std::size_t most = std::size_t{amount_} * 4;
    limited<tlsf> one(most, &memory_);
    fuzz::run(from_, memory_, one, {.may_refuse = true},
              [most](fuzz::seat<limited<tlsf>>& program, const fuzz::record& /*now*/) {
                std::size_t counted = 0;
                program.live().each(
                    [&](const fuzz::block& each) { counted += each.bytes == 0 ? 1 : each.bytes; });
                fuzz::expect((*program).left_bytes() == most - counted, "what is left is wrong");
              });
  }
  void with_failures() {
    failing<tlsf> one(failing_options{.every = amount_ % 16U}, &memory_);
    fuzz::run(from_, memory_, one, {.may_refuse = true},
              [](fuzz::seat<failing<tlsf>>& program, const fuzz::record& now) {
                (*program).restart({.at = now.which, .every = now.flavour(), .seed = now.amount});
              });
  }
  void all_at_once() {
    using parts = fallback<bitmap, tlsf>;
    synchronized<limited<fenced<tracked<parts>>>> one(
        std::size_t{1} << 20U, std::piecewise_construct, std::forward_as_tuple(buffer()),
        std::forward_as_tuple(&memory_));
    fuzz::run(from_, memory_, one, {.may_refuse = true});
  }
  void three_in_a_row() {
    using last_two = fallback<slab, upstream_ref>;
    fallback<buddy, last_two> one(
        std::piecewise_construct, std::forward_as_tuple(buffer()),
        std::forward_as_tuple(std::piecewise_construct,
                              std::forward_as_tuple(std::size_t{128}, std::size_t{16}, &memory_),
                              std::forward_as_tuple(&memory_)));
    fuzz::run(from_, memory_, one, {.has_map = false});
  }
  void charged() {
    account root("root", {.hard_limit_bytes = std::size_t{amount_} * 16});
    account leaf("leaf", {.parent = &root});
    accounted<tlsf> one(leaf, &memory_);
    fuzz::run(from_, memory_, one, {.may_refuse = true},
              [&](fuzz::seat<accounted<tlsf>>& program, const fuzz::record& /*now*/) {
                fuzz::expect(root.charged_bytes() == program.live().bytes(), "charges are wrong");
              });
    fuzz::expect(leaf.charged_bytes() == 0, "something stays charged");
  }

  fuzz::input& from_;
  std::uint16_t amount_;
  fuzz::upstream memory_;
  std::vector<std::byte> buffer_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  fuzz::record choices = from.next();
  composition(from, choices).run(choices.operation());
  return 0;
}
