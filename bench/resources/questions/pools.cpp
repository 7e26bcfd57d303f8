// Which pool is quickest for blocks of one size, and of few sizes?
//
//   churn   10,000 live blocks of 48 bytes; one after the other is replaced, at random
//   waves   50,000 blocks of 48 bytes are allocated, and freed in another order
//   list    a std::list that grows and is cleared
//   mixed   10,000 live blocks of 8 to 512 bytes; one after the other is replaced
//   map     a std::pmr::map of strings whose entries come and go
#include <algorithm>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <strata/pools.hpp>
#include <strata/slab.hpp>
#include <string>
#include <vector>

#include "question.hpp"
#if WITH_BOOST
#include <boost/container/pmr/unsynchronized_pool_resource.hpp>
#include <boost/pool/pool.hpp>
#endif
#if WITH_FOONATHAN
#include <foonathan/memory/memory_pool.hpp>
#include <foonathan/memory/std_allocator.hpp>
#endif

namespace {

using question::draw;
using question::expect;

constexpr std::size_t block_bytes = 48;

// ---- Contenders for one size: get(), put(block)

class strata_slab {
 public:
  void* get() { return memory_.try_allocate(); }
  void put(void* block) { memory_.deallocate(block); }

 private:
  strata::slab memory_{block_bytes};
};

class heap {
 public:
  void* get() { return ::operator new(block_bytes); }
  void put(void* block) { ::operator delete(block); }
};

#if WITH_BOOST
class boost_pool {
 public:
  void* get() { return memory_.malloc(); }
  void put(void* block) { memory_.free(block); }

 private:
  boost::pool<> memory_{block_bytes};
};
#endif

#if WITH_FOONATHAN
class foonathan_pool {
 public:
  void* get() { return memory_.allocate_node(); }
  void put(void* block) { memory_.deallocate_node(block); }

 private:
  foonathan::memory::memory_pool<> memory_{block_bytes, 64 * 1024};
};
#endif

// ---- Contenders for several sizes: a resource with allocate and deallocate

class strata_pools {
 public:
  void* allocate(std::size_t bytes) { return memory_->try_allocate(bytes, 8); }
  void deallocate(void* block, std::size_t bytes) { memory_->deallocate(block, bytes, 8); }
  std::pmr::memory_resource* pmr() { return &memory_; }

 private:
  strata::as_pmr<strata::pools> memory_;
};

template <class Resource>
class pmr_pools {
 public:
  void* allocate(std::size_t bytes) { return memory_.allocate(bytes, 8); }
  void deallocate(void* block, std::size_t bytes) { memory_.deallocate(block, bytes, 8); }
  Resource* pmr() { return &memory_; }

 private:
  Resource memory_;
};
using std_pools = pmr_pools<std::pmr::unsynchronized_pool_resource>;
#if WITH_BOOST
using boost_pools = pmr_pools<boost::container::pmr::unsynchronized_pool_resource>;
#endif

class any_heap {
 public:
  void* allocate(std::size_t bytes) { return ::operator new(bytes); }
  void deallocate(void* block, std::size_t bytes) { ::operator delete(block, bytes); }
  std::pmr::memory_resource* pmr() { return std::pmr::new_delete_resource(); }
};

// ---- Loads

template <class Pool>
void churn(std::size_t rounds) {
  Pool pool;
  question::use(&pool);  // as in a program, others know it: no contender may live in registers
  draw random(7);
  std::vector<char*> live(10'000);
  for (char*& block : live) block = static_cast<char*>(pool.get());
  for (std::size_t i = 0; i < rounds * 1'000'000; ++i) {
    char*& block = live[random.below(live.size())];
    pool.put(block);
    question::use(pool);  // else a compiler sees that get() undoes put(), and drops most of both
    block = static_cast<char*>(pool.get());
    *block = 1;
  }
  for (char* block : live) pool.put(block);
}

template <class Pool>
void waves(std::size_t rounds) {
  Pool pool;
  question::use(&pool);
  draw random(7);
  std::vector<std::size_t> order(50'000);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  std::vector<char*> live(order.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    for (char*& block : live) {
      block = static_cast<char*>(pool.get());
      *block = 1;
    }
    for (std::size_t at : order) pool.put(live[at]);
  }
}

template <class Pool>
void mixed(std::size_t rounds) {
  Pool pool;
  draw random(7);
  struct held {
    char* block;
    std::size_t bytes;
  };
  std::vector<held> live(10'000);
  auto fill = [&](held& one) {
    one.bytes = 8 + random.below(505);
    one.block = static_cast<char*>(pool.allocate(one.bytes));
    *one.block = 1;
  };
  for (held& one : live) fill(one);
  for (std::size_t i = 0; i < rounds * 1'000'000; ++i) {
    held& one = live[random.below(live.size())];
    pool.deallocate(one.block, one.bytes);
    fill(one);
  }
  for (held& one : live) pool.deallocate(one.block, one.bytes);
}

template <class List>
void fill_and_clear(List& list, std::size_t rounds) {
  for (std::size_t round = 0; round < rounds; ++round) {
    for (long i = 0; i < 20'000; ++i) list.push_back(i);
    expect(list.size() == 20'000, "length of a list");
    list.clear();
  }
}

void list_on_slab(std::size_t rounds) {
  strata::slab memory(sizeof(void*) * 3);
  std::list<long, strata::allocator<long, strata::slab>> list(memory);
  fill_and_clear(list, rounds);
}
template <class Pool>
void list_on_pmr(std::size_t rounds) {
  Pool pool;
  std::pmr::list<long> list(pool.pmr());
  fill_and_clear(list, rounds);
}
#if WITH_FOONATHAN
void list_on_foonathan(std::size_t rounds) {
  using pool = foonathan::memory::memory_pool<>;
  pool memory(sizeof(void*) * 3, 64 * 1024);
  std::list<long, foonathan::memory::std_allocator<long, pool>> list(memory);
  fill_and_clear(list, rounds);
}
#endif

template <class Pool>
void map(std::size_t rounds) {
  Pool pool;
  draw random(7);
  std::pmr::map<std::uint64_t, std::pmr::string> entries(pool.pmr());
  for (std::size_t i = 0; i < rounds * 100'000; ++i) {
    std::uint64_t key = random() % 10'000;
    if (entries.erase(key) == 0) entries.emplace(key, std::string(10 + key % 60, 'x'));
  }
  expect(entries.size() < 10'000, "entries in a map");
}

constexpr question::answer answers[] = {
    {"churn", "strata", churn<strata_slab>, 40},
    {"waves", "strata", waves<strata_slab>, 200},
    {"churn", "heap", churn<heap>, 40},
    {"waves", "heap", waves<heap>, 200},
#if WITH_BOOST
    {"churn", "boost", churn<boost_pool>, 40},
    {"waves", "boost", waves<boost_pool>, 200},
#endif
#if WITH_FOONATHAN
    {"churn", "foonathan", churn<foonathan_pool>, 40},
    {"waves", "foonathan", waves<foonathan_pool>, 200},
#endif
    {"list", "strata", list_on_slab, 1000},
    {"list", "strata-pools", list_on_pmr<strata_pools>, 1000},
    {"list", "std-pools", list_on_pmr<std_pools>, 1000},
    {"list", "heap", list_on_pmr<any_heap>, 1000},
#if WITH_FOONATHAN
    {"list", "foonathan", list_on_foonathan, 1000},
#endif
    {"mixed", "strata-pools", mixed<strata_pools>, 20},
    {"map", "strata-pools", map<strata_pools>, 30},
    {"mixed", "std-pools", mixed<std_pools>, 20},
    {"map", "std-pools", map<std_pools>, 30},
    {"mixed", "heap", mixed<any_heap>, 20},
    {"map", "heap", map<any_heap>, 30},
#if WITH_BOOST
    {"mixed", "boost-pools", mixed<boost_pools>, 20},
#endif
};

}  // namespace

int main(int count, char** words) { return question::run(answers, count, words); }
