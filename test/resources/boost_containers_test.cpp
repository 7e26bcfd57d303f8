// Boost.Container over each resource: with strata::allocator, and through boost::container::pmr, whose
// memory_resource is a class of its own, over a bridge of ten lines.
#include <boost/container/deque.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/pmr/memory_resource.hpp>
#include <boost/container/pmr/polymorphic_allocator.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/container/stable_vector.hpp>
#include <boost/container/vector.hpp>

#include <sstream>

#include "families.hpp"
#include "subjects.hpp"

namespace strata {
namespace {

namespace bc = boost::container;

// A resource as Boost's memory_resource.
template <resource Resource>
class boost_ref : public bc::pmr::memory_resource {
 public:
  explicit boost_ref(Resource& one) : one_(&one) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = one_->try_allocate(bytes, alignment);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    one_->deallocate(block, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
  Resource* one_;
};

struct through_boost_pmr {
  template <class T>
  using allocator = bc::pmr::polymorphic_allocator<T>;
  template <class T>
  [[nodiscard]] allocator<T> get() const {
    return allocator<T>(from);
  }
  bc::pmr::memory_resource* from;
};

template <class Family, class T>
using alloc = typename Family::template allocator<T>;

void tell(std::ostringstream& into, const auto& values) {
  into << values.size() << ':';
  for (const auto& each : values) into << each << ' ';
}

template <class Family>
void work_on_vectors(const Family& family, std::ostringstream& into) {
  bc::vector<unsigned, alloc<Family, unsigned>> numbers(family.template get<unsigned>());
  using short_vector = bc::small_vector<unsigned, 8, alloc<Family, unsigned>>;
  short_vector few(typename short_vector::allocator_type(family.template get<unsigned>()));
  bc::stable_vector<unsigned, alloc<Family, unsigned>> stable(family.template get<unsigned>());
  bc::deque<unsigned, alloc<Family, unsigned>> line(family.template get<unsigned>());
  bc::list<unsigned, alloc<Family, unsigned>> list(family.template get<unsigned>());
  for (unsigned i = 0; i < 300; ++i) {
    numbers.insert(numbers.begin() + i / 2, i);
    if (i % 30 < 15) few.push_back(i);
    if (i % 30 == 29) few.clear();  // on the stack for a while, then in memory of the resource
    stable.insert(stable.begin() + i / 3, i);
    line.push_front(i);
    list.push_back(i * 7919 % 1000);
  }
  for (unsigned i = 0; i < 40; ++i) few.push_back(i);
  few.shrink_to_fit();
  stable.erase(stable.begin() + 20, stable.begin() + 120);
  list.sort();
  auto copied = numbers;
  auto moved = std::move(stable);
  auto few_copied = few;
  tell(into, copied);
  tell(into, few_copied);
  tell(into, moved);
  tell(into, line);
  tell(into, list);
}

template <class Family>
void work_on_maps(const Family& family, std::ostringstream& into) {
  using text = text_of<Family>;
  bc::map<unsigned, text, std::less<>, alloc<Family, std::pair<const unsigned, text>>> sorted(
      family.template get<std::pair<const unsigned, text>>());
  bc::flat_map<unsigned, unsigned, std::less<>, alloc<Family, std::pair<unsigned, unsigned>>> flat(
      family.template get<std::pair<unsigned, unsigned>>());
  for (unsigned i = 0; i < 300; ++i) {
    sorted.emplace(i * 7919 % 1000, numbered_text(family, i));
    flat[i * 7907 % 500] = i;
  }
  for (unsigned i = 0; i < 1000; i += 3) sorted.erase(i);
  for (unsigned i = 0; i < 500; i += 2) flat.erase(i);
  for (const auto& [key, value] : sorted) into << key << '=' << value << ' ';
  for (const auto& [key, value] : flat) into << key << '=' << value << ' ';
}

template <class Family>
std::string work(const Family& family) {
  std::ostringstream done;
  work_on_vectors(family, done);
  work_on_maps(family, done);
  return done.str();
}

template <class Subject>
class BoostContainers : public WithSubject<Subject> {};
TYPED_TEST_SUITE(BoostContainers, all_subjects, subject_names);

TYPED_TEST(BoostContainers, DirectlyAgreeWithTheHeap) {
  any_resource any(this->memory());
  EXPECT_EQ(work(directly{&any}), work(from_heap()));
  EXPECT_GT(this->memory().statistics().peak_used_bytes, 10'000u);
}

TYPED_TEST(BoostContainers, ThroughTheirPmrAgreeWithTheHeap) {
  boost_ref view(this->memory());
  EXPECT_EQ(work(through_boost_pmr{&view}), work(from_heap()));
  EXPECT_GT(this->memory().statistics().peak_used_bytes, 10'000u);
}

TYPED_TEST(BoostContainers, StayWithTheirResource) {
  TypeParam other;
  {
    using direct = typename TestFixture::template allocator_of<unsigned>;
    bc::stable_vector<unsigned, direct> here(100, 7u, direct(this->memory()));
    bc::stable_vector<unsigned, direct> there(direct(other.memory));
    there = std::move(here);
    EXPECT_EQ(&there.get_stored_allocator().from(), &other.memory);
    EXPECT_EQ(there.size(), 100u);
    EXPECT_EQ(there[99], 7u);
  }
  TestFixture::expect_empty(other.memory);
}

}  // namespace
}  // namespace strata
