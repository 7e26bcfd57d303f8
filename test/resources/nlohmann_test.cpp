// nlohmann's basic_json over each resource. It makes its allocators itself, from nothing, wherever it
// needs one: so they can hold no resource, and find the thread's. What it has made must die while the
// same resource is in its place; the guard here sees to that.
//
// From the resource come values, objects, arrays and all texts. Its parser's own stacks it takes from
// std::allocator, whatever the document's is.
#include <nlohmann/json.hpp>

#include <map>
#include <memory_resource>
#include <string>
#include <utility>
#include <vector>

#include "conformance.hpp"
#include "documents.hpp"
#include "subjects.hpp"

namespace strata {
namespace {

thread_local std::pmr::memory_resource* resource_now = nullptr;

class resource_guard {
 public:
  explicit resource_guard(std::pmr::memory_resource& one)
      : before_(std::exchange(resource_now, &one)) {}
  resource_guard(const resource_guard&) = delete;
  resource_guard& operator=(const resource_guard&) = delete;
  ~resource_guard() { resource_now = before_; }

 private:
  std::pmr::memory_resource* before_;
};

// The thread's resource, as an allocator without state.
template <class T>
struct ambient {
  using value_type = T;
  ambient() = default;
  template <class U>
  ambient(const ambient<U>& /*other*/) noexcept {}  // NOLINT(google-explicit-constructor): rebinds
  T* allocate(std::size_t count) {
    return std::pmr::polymorphic_allocator<T>(resource_now).allocate(count);
  }
  void deallocate(T* block, std::size_t count) noexcept {
    std::pmr::polymorphic_allocator<T>(resource_now).deallocate(block, count);
  }
  template <class U>
  bool operator==(const ambient<U>& /*other*/) const noexcept {
    return true;
  }
};
static_assert(conforming_allocator<ambient<int>, int>);
static_assert(std::allocator_traits<ambient<int>>::is_always_equal::value);

using text = std::basic_string<char, std::char_traits<char>, ambient<char>>;
using ambient_json = nlohmann::basic_json<std::map, std::vector, text, bool, std::int64_t,
                                          std::uint64_t, double, ambient>;

template <class Json>
std::string work() {
  using name_type = typename Json::string_t;
  Json document = Json::parse(sample_json());
  Json copy = document;
  for (unsigned i = 0; i < 100; ++i) {
    Json& person = document["people"][i];
    name_type name("a name that was not there before, of number ");
    name += std::to_string(i).c_str();
    person["name"] = name;
    person["list"] = {1, 2.5, nullptr, "three", name};
    if (i % 3 == 0) person.erase("friends");
  }
  document["people"].erase(40);
  document.update({{"version", 4}, {"more", copy["deep"]}});
  EXPECT_NE(document, copy);
  Json moved = std::move(copy);
  name_type made = document.dump() + moved.dump(2);
  return std::string(made.data(), made.size());
}

template <class Subject>
class Nlohmann : public WithSubject<Subject> {};
TYPED_TEST_SUITE(Nlohmann, all_subjects, subject_names);

TYPED_TEST(Nlohmann, ADocumentAgreesWithTheHeap) {
  pmr_ref view(this->memory());
  resource_guard here(view);
  EXPECT_EQ(work<ambient_json>(), work<nlohmann::json>());
  EXPECT_GT(this->memory().statistics().peak_used_bytes, 10'000u);
}

}  // namespace
}  // namespace strata
