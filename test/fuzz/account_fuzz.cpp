// A tree of accounts beside plain arithmetic: what is charged, by whom, which limits refuse, how often
// soft limits were passed. Some accounts have a reclaimer, which gives part of a cache back.
#include <strata/account.hpp>

#include <memory>
#include <optional>

#include "fuzz.hpp"

using namespace strata;

namespace {

constexpr std::size_t most_accounts = 12;

struct shadow {
  std::size_t parent = most_accounts;  // none
  std::size_t own = 0;                 // charged here, and not yet relieved
  std::size_t cached = 0;              // of it, what the reclaimer may give back
  std::size_t charged = 0;             // with what is below
  std::size_t soft = account::no_limit;
  std::size_t hard = account::no_limit;
  std::size_t passes = 0;
  std::size_t children = 0;
  bool above = false;
  bool reclaims = false;
};

class tree {
 public:
  ~tree() {
    for (std::size_t i = most_accounts; i-- > 0;) end(i);
    fuzz::expect(accounts().empty(), "an account stays");
  }

  void apply(const fuzz::record& now) {
    std::size_t which = now.which % most_accounts;
    switch (now.operation() % 8) {
      case 0:
      case 1:
        return charge(which, fuzz::size_from(now.amount), now.flavour() % 2 == 1);
      case 2:
        return relieve(which, fuzz::size_from(now.amount));
      case 3:
        return make(which, now);
      case 4:
        return set_limit(which, now);
      case 5:
        if (now.flavour() == 0 && shadows_[which].children == 0) end(which);
        return;
      case 6:
        share_ = now.amount;
        return;
      default:
        return look();
    }
  }
  void look() {
    for (std::size_t i = 0; i < most_accounts; ++i) {
      if (!accounts_[i]) continue;
      account_figures found = accounts_[i]->figures();
      const shadow& want = shadows_[i];
      fuzz::expect(found.charged_bytes == want.charged, "charged is not the sum");
      fuzz::expect(found.peak_bytes >= want.charged, "the peak is below");
      fuzz::expect(found.soft_passes == want.passes, "soft limits were passed another time");
      fuzz::expect(found.hard_limit_bytes == want.hard && found.soft_limit_bytes == want.soft,
                   "another limit");
    }
  }

 private:
  template <class Visit>
  void upwards(std::size_t from, Visit visit) {
    for (std::size_t i = from; i != most_accounts; i = shadows_[i].parent) visit(shadows_[i]);
  }
  static void note(shadow& one) {
    bool above = one.charged > one.soft;
    if (above && !one.above) ++one.passes;
    one.above = above;
  }
  void add(std::size_t which, std::size_t bytes) {
    shadows_[which].own += bytes;
    upwards(which, [&](shadow& each) {
      each.charged += bytes;
      note(each);
    });
  }
  void subtract(std::size_t which, std::size_t bytes) {
    shadows_[which].own -= bytes;
    upwards(which, [&](shadow& each) {
      each.charged -= bytes;
      note(each);
    });
  }

  void make(std::size_t which, const fuzz::record& now) {
    if (accounts_[which]) return;
    shadow one;
    std::size_t parent = now.amount % (most_accounts + 1);
    if (parent != which && parent != most_accounts && accounts_[parent]) one.parent = parent;
    one.reclaims = now.flavour() % 2 == 1;
    account::options chosen;
    if (one.parent != most_accounts) {
      chosen.parent = accounts_[parent].get();
      ++shadows_[parent].children;
    }
    if (one.reclaims) {
      chosen.reclaimer = [this, which](account& asked, std::size_t missing) {
        return reclaim(which, asked, missing);
      };
    }
    shadows_[which] = one;
    accounts_[which] = std::make_unique<account>("one", chosen);
  }
  void end(std::size_t which) {
    if (!accounts_[which]) return;
    // Those below first; they may have higher numbers or lower ones.
    for (std::size_t i = 0; i < most_accounts; ++i) {
      if (accounts_[i] && shadows_[i].parent == which) end(i);
    }
    relieve(which, SIZE_MAX);
    if (shadows_[which].parent != most_accounts) --shadows_[shadows_[which].parent].children;
    accounts_[which].reset();
    shadows_[which] = {};
  }

  // Of accounts that have none above, one may be charged so much that the sum of several would pass
  // SIZE_MAX: programs can't.
  void charge(std::size_t which, std::size_t bytes, bool cached) {
    if (!accounts_[which]) return;
    bool has_room = true;
    bool may_reclaim = false;
    bool limited = false;
    upwards(which, [&](const shadow& each) {
      limited |= each.hard != account::no_limit;
      has_room &= each.charged <= each.hard && bytes <= each.hard - each.charged;
      may_reclaim |= each.reclaims;
    });
    if (!limited && bytes > std::size_t{1} << 40U) return;
    bool taken = accounts_[which]->charge(bytes);
    if (has_room) fuzz::expect(taken, "refused without need");
    if (!has_room && !may_reclaim) fuzz::expect(!taken, "a hard limit was passed");
    if (!taken) return;
    upwards(which, [&](const shadow& each) {
      fuzz::expect(each.charged <= each.hard && bytes <= each.hard - each.charged,
                   "a hard limit was passed after reclaiming");
    });
    add(which, bytes);
    if (cached) shadows_[which].cached += bytes;
  }
  void relieve(std::size_t which, std::size_t bytes) {
    if (!accounts_[which]) return;
    shadow& one = shadows_[which];
    bytes = std::min(bytes, one.own);
    accounts_[which]->relieve(bytes);
    subtract(which, bytes);
    one.cached = std::min(one.cached, one.own);
  }
  bool reclaim(std::size_t which, account& asked, std::size_t missing) {
    fuzz::expect(&asked == accounts_[which].get(), "another account's reclaimer");
    fuzz::expect(missing > 0, "asked for nothing");
    // A charge from here is refused without asking anybody, or taken.
    if (share_ % 5 == 1 && asked.charge(1)) {
      add(which, 1);
      asked.relieve(1);
      subtract(which, 1);
    }
    std::size_t freed = std::min(shadows_[which].cached, missing / (1 + share_ % 3));
    if (share_ % 7 == 3) freed = 0;
    shadows_[which].cached -= freed;
    asked.relieve(freed);
    subtract(which, freed);
    return freed != 0 || share_ % 7 == 4;
  }
  void set_limit(std::size_t which, const fuzz::record& now) {
    if (!accounts_[which]) return;
    std::size_t bytes = now.flavour() >= 14 ? account::no_limit : fuzz::size_from(now.amount);
    if (now.flavour() % 2 == 0) {
      accounts_[which]->set_hard_limit(bytes);
      shadows_[which].hard = bytes;
    } else {
      accounts_[which]->set_soft_limit(bytes);
      shadows_[which].soft = bytes;
      note(shadows_[which]);
    }
  }

  std::array<shadow, most_accounts> shadows_;
  std::array<std::unique_ptr<account>, most_accounts> accounts_;
  unsigned share_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  tree all;
  for (fuzz::record now; from.next(now);) all.apply(now);
  all.look();
  return 0;
}
