// The C interface's resources that are made of resources, and accounts.
#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>

#include <strata/account.hpp>
#include <strata/diagnose.hpp>
#include <strata/thread_front.hpp>

#include "resource/c_handle.hpp"

using namespace strata;          // NOLINT(google-build-using-namespace): all of it is C's face
using namespace strata::detail;  // NOLINT(google-build-using-namespace)

// ---- Composers

namespace {

using part_of_c = by_reference<strata_resource>;

c_owner owner_of(const strata_resource* part) {
  return part != nullptr && part->knows_owner() ? c_owner::known : c_owner::unknown;
}

// A composite that knows its owner as its parts do.
template <class Composite, class... Arguments>
strata_resource* make_composite(c_owner owner, Arguments&&... arguments) {
  return c_guarded([&]() -> strata_resource* {
    return new c_handle<Composite>(c_home::heap, owner, std::forward<Arguments>(arguments)...);
  });
}

// Composers by name: clang 14 crashes on constrained templates as arguments.
struct of_limited {
  template <resource Part>
  using type = limited<Part>;
};
struct of_synchronized {
  template <resource Part>
  using type = synchronized<Part>;
};
struct of_thread_front {
  template <resource Part>
  using type = thread_front<Part>;
};
struct of_fenced {
  template <resource Part>
  using type = fenced<Part>;
};
struct of_failing {
  template <resource Part>
  using type = failing<Part>;
};

// Around the part, or malloc; the composer's own arguments come before it.
template <class Composer, class... Own>
strata_resource* around(strata_resource* part, const Own&... own) {
  using over_malloc = typename Composer::template type<upstream_ref>;
  using over_part = typename Composer::template type<part_of_c>;
  if (part == nullptr) return make_composite<over_malloc>(c_owner::unknown, own..., c_malloc());
  return make_composite<over_part>(owner_of(part), own..., *part);
}

}  // namespace

strata_resource* strata_limited_create(size_t most_bytes, strata_resource* part) {
  return around<of_limited>(part, most_bytes);
}

strata_resource* strata_synchronized_create(strata_resource* part) {
  return around<of_synchronized>(part);
}

strata_resource* strata_thread_front_create(strata_resource* part) {
  return around<of_thread_front>(part);
}

strata_resource* strata_fenced_create(strata_resource* part) { return around<of_fenced>(part); }

strata_resource* strata_fallback_create(strata_resource* first, strata_resource* second) {
  if (owner_of(first) == c_owner::unknown) return c_fail(EINVAL);
  if (second == nullptr) {
    return make_composite<fallback<part_of_c, upstream_ref>>(c_owner::unknown, *first, c_malloc());
  }
  return make_composite<fallback<part_of_c, part_of_c>>(owner_of(second), *first, *second);
}

namespace {

template <class Small, class Large, class ForSmall, class ForLarge>
strata_resource* segregate(std::size_t threshold, c_owner owner, ForSmall&& small,
                           ForLarge&& large) {
  return make_composite<segregator<told_at_runtime, Small, Large>>(
      owner, threshold, std::forward<ForSmall>(small), std::forward<ForLarge>(large));
}

}  // namespace

strata_resource* strata_segregator_create(size_t threshold_bytes, strata_resource* small_blocks,
                                          strata_resource* large_blocks) {
  strata_resource* small = small_blocks;
  strata_resource* large = large_blocks;
  bool known = owner_of(small) == c_owner::known && owner_of(large) == c_owner::known;
  c_owner owner = known ? c_owner::known : c_owner::unknown;
  if (small != nullptr && large != nullptr)
    return segregate<part_of_c, part_of_c>(threshold_bytes, owner, *small, *large);
  if (small != nullptr)
    return segregate<part_of_c, upstream_ref>(threshold_bytes, owner, *small, c_malloc());
  if (large != nullptr)
    return segregate<upstream_ref, part_of_c>(threshold_bytes, owner, c_malloc(), *large);
  return segregate<upstream_ref, upstream_ref>(threshold_bytes, owner, c_malloc(), c_malloc());
}

namespace {

// A tracked resource with its name.
template <resource Part>
class named_tracked : private member<std::string>, public tracked<Part> {
 public:
  template <class ForPart>
  named_tracked(const char* name, leak_report at_end, ForPart&& part)
      : member<std::string>(name),
        tracked<Part>(tracked_options{this->value.c_str(), at_end, c_malloc()},
                      std::forward<ForPart>(part)) {}
};
struct of_tracked {
  template <resource Part>
  using type = named_tracked<Part>;
};

}  // namespace

strata_resource* strata_tracked_create(strata_resource* part, const char* name, int at_end) {
  const char* given = name != nullptr ? name : "tracked";
  switch (at_end) {
    case STRATA_LEAKS_PRINT:
      return around<of_tracked>(part, given, leak_report::print);
    case STRATA_LEAKS_IGNORE:
      return around<of_tracked>(part, given, leak_report::none);
    case STRATA_LEAKS_STOP:
      return around<of_tracked>(part, given, leak_report::stop);
    default:
      return c_fail(EINVAL);
  }
}

strata_resource* strata_failing_create(strata_resource* part,
                                       const strata_failing_options* options) {
  const strata_failing_options& chosen = c_options(options);
  return around<of_failing>(part, failing_options{.at = chosen.at,
                                                  .every = chosen.every,
                                                  .probability = chosen.probability,
                                                  .seed = chosen.seed});
}

// ---- Accounts

struct strata_account {
  strata_account(const char* name, const strata_account_options& chosen)
      : functions(chosen), real(name, options_for(*this)) {}

  strata_account_options functions;
  account real;

 private:
  static account_options options_for(strata_account& self) {
    const strata_account_options& chosen = self.functions;
    account_options with;
    with.parent = chosen.parent != nullptr ? &chosen.parent->real : nullptr;
    with.soft_limit_bytes = c_or(chosen.soft_limit_bytes, account::no_limit);
    with.hard_limit_bytes = c_or(chosen.hard_limit_bytes, account::no_limit);
    if (chosen.at_soft_limit != nullptr) {
      with.at_soft_limit = [&self](account& /*one*/) {
        self.functions.at_soft_limit(&self, self.functions.context);
      };
    }
    if (chosen.reclaim != nullptr) {
      with.reclaimer = [&self](account& /*one*/, std::size_t missing) {
        return self.functions.reclaim(&self, missing, self.functions.context) != 0;
      };
    }
    return with;
  }
};

strata_account* strata_account_create(const char* name, const strata_account_options* options) {
  if (name == nullptr) return c_fail(EINVAL);
  return c_guarded([&] { return new strata_account(name, c_options(options)); });
}

void strata_account_destroy(strata_account* account) { delete account; }

int strata_account_charge(strata_account* account, size_t bytes) {
  if (account->real.charge(bytes)) return 0;
  errno = ENOMEM;
  return -1;
}

void strata_account_relieve(strata_account* account, size_t bytes) { account->real.relieve(bytes); }

void strata_account_set_hard_limit(strata_account* account, size_t bytes) {
  account->real.set_hard_limit(bytes);
}

void strata_account_set_soft_limit(strata_account* account, size_t bytes) {
  account->real.set_soft_limit(bytes);
}

namespace {

strata_account_figures figures_of(const account_figures& now, const char* name) {
  static_assert(account::no_limit == STRATA_NONE);
  return {
      now.number,           now.parent,           name,        now.charged_bytes, now.peak_bytes,
      now.soft_limit_bytes, now.hard_limit_bytes, now.refused, now.reclaims,      now.soft_passes};
}

}  // namespace

int strata_account_get_figures(const strata_account* account, strata_account_figures* out) {
  auto* filled = c_guarded([&] {
    *out = figures_of(account->real.figures(), account->real.name().c_str());
    return out;
  });
  return filled != nullptr ? 0 : -1;
}

int strata_each_account(int (*visit)(const strata_account_figures* figures, void* context),
                        void* context) {
  int last = 0;
  auto* done = c_guarded([&] {
    for (const account_figures& each : accounts()) {
      strata_account_figures given = figures_of(each, each.name.c_str());
      last = visit(&given, context);
      if (last != 0) break;
    }
    return &last;
  });
  return done != nullptr ? last : -1;
}

size_t strata_accounts_json(char* buffer, size_t capacity) {
  std::size_t length = 0;
  c_guarded([&]() -> void* {
    std::ostringstream text;
    write_accounts(text);
    std::string_view written = text.view();
    if (capacity != 0) {
      std::size_t stored = std::min(written.size(), capacity - 1);
      std::memcpy(buffer, written.data(), stored);
      buffer[stored] = '\0';
    }
    length = written.size();
    return nullptr;
  });
  return length;
}

strata_resource* strata_accounted_create(strata_account* account, strata_resource* part) {
  if (account == nullptr) return c_fail(EINVAL);
  if (part == nullptr) {
    return make_composite<accounted<upstream_ref>>(c_owner::unknown, account->real, c_malloc());
  }
  return make_composite<accounted<part_of_c>>(owner_of(part), account->real, *part);
}
