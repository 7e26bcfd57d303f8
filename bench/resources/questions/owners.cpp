// Which shared owner costs least?
//
//   make    an owner is made and dropped, 1000 objects at a time
//   copy    owners are copied and dropped
//   shuffle a vector of owners is shuffled by copies, as a sort by value does
//   shared  two threads copy and drop owners of the same objects
#include <memory>
#include <strata/arc.hpp>
#include <strata/rc.hpp>
#include <thread>
#include <vector>

#include "question.hpp"
#if WITH_BOOST
#include <boost/make_shared.hpp>
#include <boost/shared_ptr.hpp>
#include <boost/smart_ptr/local_shared_ptr.hpp>
#include <boost/smart_ptr/make_local_shared.hpp>
#endif

namespace {

using question::draw;
using question::expect;

struct thing {
  explicit thing(std::size_t from) : number(from) {}
  std::size_t number;
  char more[24] = {};
};

// ---- Contenders: owner, make(number)

struct strata_rc {
  using owner = strata::rc<thing>;
  static owner make(std::size_t number) { return strata::make_rc<thing>(number); }
};
struct strata_arc {
  using owner = strata::arc<thing>;
  static owner make(std::size_t number) { return strata::make_arc<thing>(number); }
};
struct std_shared {
  using owner = std::shared_ptr<thing>;
  static owner make(std::size_t number) { return std::make_shared<thing>(number); }
};
#if WITH_BOOST
struct boost_shared {
  using owner = boost::shared_ptr<thing>;
  static owner make(std::size_t number) { return boost::make_shared<thing>(number); }
};
struct boost_local {
  using owner = boost::local_shared_ptr<thing>;
  static owner make(std::size_t number) { return boost::make_local_shared<thing>(number); }
};
#endif

// ---- Loads. In each there is a second thread, so that none counts without atomics by chance:
// std::shared_ptr does while there is but one.

class second_thread {
 public:
  second_thread() : thread_([] {}) {}
  ~second_thread() { thread_.join(); }

 private:
  std::thread thread_;
};

template <class Kind>
void make(std::size_t rounds) {
  second_thread also;
  std::vector<typename Kind::owner> owners(1000);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < owners.size(); ++i) owners[i] = Kind::make(i);
  }
  expect(owners[7]->number == 7, "an object");
}

template <class Kind>
void copy(std::size_t rounds) {
  second_thread also;
  std::vector<typename Kind::owner> owners;
  for (std::size_t i = 0; i < 1000; ++i) owners.push_back(Kind::make(i));
  std::size_t sum = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (const auto& one : owners) {
      typename Kind::owner mine = one;
      question::use(mine.get());
      sum += mine->number;
    }
  }
  expect(sum == rounds * 999 * 500, "sum of numbers");
}

template <class Kind>
void shuffle(std::size_t rounds) {
  second_thread also;
  draw random(7);
  std::vector<typename Kind::owner> owners;
  for (std::size_t i = 0; i < 1000; ++i) owners.push_back(Kind::make(i));
  for (std::size_t i = 0; i < rounds * 1000; ++i) {
    std::size_t one = random.below(1000);
    std::size_t other = random.below(1000);
    typename Kind::owner between = owners[one];
    owners[one] = owners[other];
    owners[other] = between;
  }
  std::size_t sum = 0;
  for (const auto& one : owners) sum += one->number;
  expect(sum == 999 * 500, "sum of numbers");
}

std::size_t owners_of(const auto& one) {
  if constexpr (requires { one.strong_count(); })
    return one.strong_count();
  else
    return static_cast<std::size_t>(one.use_count());
}

template <class Kind>
void shared(std::size_t rounds) {
  std::vector<typename Kind::owner> owners;
  for (std::size_t i = 0; i < 64; ++i) owners.push_back(Kind::make(i));
  auto work = [&owners, rounds] {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (const auto& one : owners) {
        typename Kind::owner mine = one;
        question::use(mine.get());
      }
    }
  };
  std::thread other(work);
  work();
  other.join();
  expect(owners_of(owners[7]) == 1, "owners left");
}
constexpr question::answer answers[] = {
    {"make", "strata-rc", make<strata_rc>, 20'000},
    {"copy", "strata-rc", copy<strata_rc>, 100'000},
    {"shuffle", "strata-rc", shuffle<strata_rc>, 30'000},
    {"make", "strata-arc", make<strata_arc>, 20'000},
    {"copy", "strata-arc", copy<strata_arc>, 100'000},
    {"shuffle", "strata-arc", shuffle<strata_arc>, 30'000},
    {"shared", "strata-arc", shared<strata_arc>, 40'000},
    {"make", "std", make<std_shared>, 20'000},
    {"copy", "std", copy<std_shared>, 100'000},
    {"shuffle", "std", shuffle<std_shared>, 30'000},
    {"shared", "std", shared<std_shared>, 40'000},
#if WITH_BOOST
    {"make", "boost", make<boost_shared>, 20'000},
    {"copy", "boost", copy<boost_shared>, 100'000},
    {"shuffle", "boost", shuffle<boost_shared>, 30'000},
    {"shared", "boost", shared<boost_shared>, 40'000},
    {"make", "boost-local", make<boost_local>, 20'000},
    {"copy", "boost-local", copy<boost_local>, 100'000},
    {"shuffle", "boost-local", shuffle<boost_local>, 30'000},
#endif
};

}  // namespace

int main(int count, char** words) { return question::run(answers, count, words); }
