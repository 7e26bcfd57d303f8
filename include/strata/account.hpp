// Accounts: who uses how much memory, who may use how much more, and who is asked to give some
// back.
//
//   account "server"            charged 900  peak 1200  hard limit 4096
//     |-- account "cache"       charged 600             soft limit 512   reclaimer: evicts
//     `-- account "sessions"    charged 300
//           ^
//           `-- accounted<pool>, account_memory: charge for each block
//
//   charged = what this account and those below it were charged and not yet relieved of
//   a charge is taken by all accounts from its own up to the root, or by none
//
// A charge that would pass a hard limit asks the reclaimers on the way up to that limit, one after
// the other, in one thread at a time. It tries again after each, and asks the same one again as
// long as that frees something; then it is refused. One that is longer than the limit is refused at
// once. A soft limit refuses nothing: its callback is called when it is passed, and again only
// after the account was at or below it.
// Callbacks and reclaimers run in the thread that charges, under no lock but the reclaimer's own,
// and may allocate: a charge that a reclaimer makes is refused without asking anybody. A reclaimer
// that needs a lock which the program holds while it allocates is a deadlock, as it is everywhere.
//
// Charges are exact, not gathered by threads: 900 is 900, and the limit is the limit. Only a charge
// that an account above refuses may, for the moment until it is taken back, be in the way of
// another's, and show in the peaks below.
//
//   time      charge, relieve O(depth): an atomic addition an account, a second where the peak
//             grows
//   overhead  none a block; some 200 bytes an account
//   threads   all
//   exhausted charge() is false, try_allocate null, std::pmr's allocate std::bad_alloc
//
// Sources: Redis' zmalloc counts each block; Seastar's reclaimers are asked before it gives up;
// limits on each level of a tree are Linux's memory cgroups'.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <limits>
#include <memory_resource>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <strata/detail/fork.hpp>
#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {

class account;

struct account_options {
  static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

  account* parent = nullptr;  // outlives it
  std::size_t soft_limit_bytes = no_limit;
  std::size_t hard_limit_bytes = no_limit;
  // The soft limit was passed. Throws nothing.
  std::function<void(account&)> at_soft_limit = {};
  // So many bytes are missing: frees what it can, of this account or of those below it. False when
  // there was nothing. Throws nothing.
  std::function<bool(account&, std::size_t)> reclaimer = {};
};

// A copy of an account's figures.
struct account_figures {
  std::uint64_t number = 0;  // in the order of making; never used again
  std::uint64_t parent = 0;  // 0: none
  std::string name;
  std::size_t charged_bytes = 0;
  std::size_t peak_bytes = 0;  // of charges, also of one whose block could not be had then
  std::size_t soft_limit_bytes = 0;
  std::size_t hard_limit_bytes = 0;
  std::size_t refused = 0;      // charges
  std::size_t reclaims = 0;     // calls of the reclaimer
  std::size_t soft_passes = 0;  // calls of at_soft_limit
};

class STRATA_RESOURCES_API account {
 public:
  using options = account_options;
  // strata/watch.hpp
  static constexpr bool statistics_from_any_thread = true;
  static constexpr std::size_t no_limit = account_options::no_limit;

  explicit account(std::string name, options chosen = {});
  account(const account&) = delete;
  account& operator=(const account&) = delete;
  // Nothing is charged any more, and no account is left below it.
  ~account();

  // False where a limit refuses; nothing is charged then.
  [[nodiscard]] bool charge(std::size_t bytes) noexcept {
    if (parent_ != nullptr || bytes > no_limit / 2 ||
        hard_limit_.load(std::memory_order_relaxed) != no_limit) {
      return charge_with_limits(bytes);
    }
    note(charged_.fetch_add(bytes) + bytes);
    return true;
  }
  // Takes back what was charged.
  void relieve(std::size_t bytes) noexcept {
    for (account* each = this; each != nullptr; each = each->parent_) each->subtract(bytes);
  }

  // relaxed, here and below: figures.
  [[nodiscard]] std::size_t charged_bytes() const noexcept {
    return charged_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t peak_bytes() const noexcept {
    return peak_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] account* parent() const noexcept { return parent_; }
  [[nodiscard]] account_figures figures() const;

  // At any time. A hard limit below what is charged refuses all further charges.
  void set_hard_limit(std::size_t bytes) noexcept {
    hard_limit_.store(bytes, std::memory_order_relaxed);
  }
  void set_soft_limit(std::size_t bytes) noexcept;

 private:
  bool charge_with_limits(std::size_t bytes) noexcept;
  account* charge_all(std::size_t bytes) noexcept;
  account* reclaim(std::size_t bytes, account& asked) noexcept;
  [[nodiscard]] std::size_t missing_bytes(std::size_t wanted) const noexcept;
  void note(std::size_t now) noexcept {
    // relaxed: peaks only grow, and each charge looks at its own.
    std::size_t peak = peak_.load(std::memory_order_relaxed);
    while (now > peak && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
    }
    look_at_soft_limit(now);
  }
  void subtract(std::size_t bytes) noexcept {
    std::size_t before = charged_.fetch_sub(bytes);
    if (before < bytes) [[unlikely]]
      detail::stop(detail::misuse::precondition, "account", this, bytes);
    look_at_soft_limit(before - bytes);
  }
  void look_at_soft_limit(std::size_t now) noexcept {
    if ((now > soft_limit_.load(std::memory_order_relaxed)) != above_soft_limit_.load())
        [[unlikely]]
      pass_soft_limit();
  }
  void pass_soft_limit() noexcept;

  // seq_cst, these and above_soft_limit_: whoever changes one looks at the other (pass_soft_limit).
  std::atomic<std::size_t> charged_{0};
  std::atomic<std::size_t> peak_{0};
  std::atomic<std::size_t> hard_limit_;
  std::atomic<std::size_t> soft_limit_;
  std::atomic<bool> above_soft_limit_{false};
  account* parent_;
  std::uint32_t depth_;  // 0: a root
  std::atomic<std::size_t> refused_{0};
  std::atomic<std::size_t> reclaims_{0};
  std::atomic<std::size_t> soft_passes_{0};
  std::mutex soft_lock_;     // of whoever changes above_soft_limit_
  std::mutex reclaim_lock_;  // one reclaimer at a time
  std::string name_;
  options chosen_;

  // Under the registry's lock.
  friend struct account_registry;
  std::uint64_t number_ = 0;
  std::size_t below_ = 0;
  account* older_ = nullptr;
  account* younger_ = nullptr;

  static const detail::fork_ways at_fork;
  detail::fork_member seat_;
};

// All accounts of the process, the oldest first: parents come before those below them.
[[nodiscard]] STRATA_RESOURCES_API std::vector<account_figures> accounts();
// The same as JSON: {"accounts":[{"number":1,"parent":null,"name":"server","charged_bytes":900,...
STRATA_RESOURCES_API void write_accounts(std::ostream& out);

// A resource whose blocks are charged to an account, by the bytes they were asked with. As good for
// threads as the resource is. What a resource frees by itself, as bump does in reset(), stays
//         charged
// until relieve_all(), or the end.
template <resource Resource>
class accounted {
 public:
  template <class... Arguments>
  requires std::constructible_from<Resource, Arguments...>
  explicit accounted(account& charged, Arguments&&... arguments)
      : account_(&charged), resource_(std::forward<Arguments>(arguments)...) {}
  accounted(const accounted&) = delete;
  accounted& operator=(const accounted&) = delete;
  ~accounted() { relieve_all(); }

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    if (!account_->charge(bytes)) return nullptr;
    void* block = resource_.try_allocate(bytes, alignment);
    if (block == nullptr)
      account_->relieve(bytes);
    else
      charged_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    return block;
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    resource_.deallocate(block, bytes, alignment);
    charged_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    account_->relieve(bytes);
  }
  // No block is live: the resource has freed them all.
  void relieve_all() noexcept {
    account_->relieve(charged_bytes_.exchange(0, std::memory_order_relaxed));
  }

  [[nodiscard]] bool owns(const void* address) const noexcept requires
      requires(const Resource& one) {
    one.owns(address);
  }
  { return resource_.owns(address); }
  [[nodiscard]] resource_statistics statistics() const noexcept { return resource_.statistics(); }
  void verify() const { resource_.verify(); }
  template <class Visit>
  void each_region(Visit visit) const {
    resource_.each_region(visit);
  }

  [[nodiscard]] account& charged() const noexcept { return *account_; }
  Resource* operator->() noexcept { return &resource_; }
  Resource& operator*() noexcept { return resource_; }

 private:
  account* account_;
  // relaxed: a sum, read when nobody allocates.
  std::atomic<std::size_t> charged_bytes_{0};
  Resource resource_;
};

// The same for a std::pmr::memory_resource: as an upstream, or for containers. Two are equal where
// their accounts and upstreams are the same.
class STRATA_RESOURCES_API account_memory final : public std::pmr::memory_resource {
 public:
  explicit account_memory(account& charged,
                          std::pmr::memory_resource* upstream = std::pmr::get_default_resource())
      : account_(&charged), upstream_(upstream) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override;

  account* account_;
  std::pmr::memory_resource* upstream_;
};

}  // namespace strata
