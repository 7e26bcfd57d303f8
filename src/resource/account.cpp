#include <strata/account.hpp>

#include <new>
#include <ostream>

namespace strata {

// All accounts, in a list under one lock, which no charge takes.
struct account_registry {
  static inline constinit detail::fork_safe_global<std::mutex> lock;
  static inline account* oldest = nullptr;
  static inline account* youngest = nullptr;
  static inline std::uint64_t made = 0;

  static void enter(account& one) {
    lock.enter();
    std::lock_guard inside(lock);
    one.number_ = ++made;
    one.older_ = std::exchange(youngest, &one);
    (one.older_ != nullptr ? one.older_->younger_ : oldest) = &one;
    if (one.parent_ != nullptr) ++one.parent_->below_;
  }
  static void leave(account& one) {
    std::lock_guard inside(lock);
    if (one.number_ == 0) return;  // a fork has taken it out
    if (one.below_ != 0 && !one.seat_.crossed_fork())
      detail::stop(detail::misuse::still_in_use, "account", &one);
    (one.older_ != nullptr ? one.older_->younger_ : oldest) = one.younger_;
    (one.younger_ != nullptr ? one.younger_->older_ : youngest) = one.older_;
    one.number_ = 0;
    if (one.parent_ != nullptr) --one.parent_->below_;
  }
  static std::vector<account_figures> all() {
    std::vector<account_figures> found;
    std::lock_guard inside(lock);
    for (account* each = oldest; each != nullptr; each = each->younger_) {
      found.push_back(each->figures());
    }
    return found;
  }
};

namespace {
// A reclaimer runs in this thread: what it charges is refused without asking anybody.
constinit thread_local bool thread_reclaims = false;
}  // namespace

account::account(std::string name, options chosen)
    : hard_limit_(chosen.hard_limit_bytes),
      soft_limit_(chosen.soft_limit_bytes),
      parent_(chosen.parent),
      depth_(parent_ != nullptr ? parent_->depth_ + 1 : 0),
      name_(std::move(name)),
      chosen_(std::move(chosen)),
      seat_(at_fork, this) {
  account_registry::enter(*this);
}

account::~account() {
  // Threads that a fork left behind relieve it of nothing.
  if (charged_bytes() != 0 && !seat_.crossed_fork()) {
    detail::stop(detail::misuse::still_in_use, "account", this, charged_bytes());
  }
  account_registry::leave(*this);
}

// Its two locks guard no data, and a reclaimer may hold one for long: a child makes them anew.
constinit const detail::fork_ways account::at_fork = {
    nullptr, nullptr,
    [](void* self) noexcept {
      auto& here = *static_cast<account*>(self);
      ::new (&here.soft_lock_) std::mutex;
      ::new (&here.reclaim_lock_) std::mutex;
    },
    [](void* self) noexcept { account_registry::leave(*static_cast<account*>(self)); }};

// ---- Limits

// Null, or the account that refuses; nothing is charged then. An account's peak and soft limit hear
// of it when all above have agreed.
account* account::charge_all(std::size_t bytes) noexcept {
  std::size_t limit = hard_limit_.load(std::memory_order_relaxed);
  std::size_t now = charged_.load(std::memory_order_relaxed);
  do {
    if (now > limit || bytes > limit - now) return this;
  } while (!charged_.compare_exchange_weak(now, now + bytes));
  account* refusing = parent_ != nullptr ? parent_->charge_all(bytes) : nullptr;
  if (refusing != nullptr)
    subtract(bytes);
  else
    note(now + bytes);
  return refusing;
}

bool account::charge_with_limits(std::size_t bytes) noexcept {
  account* refusing = charge_all(bytes);
  if (refusing == nullptr) return true;
  if (!thread_reclaims) {
    // From here up to the one that refuses, which another try may change.
    for (account* each = this; each != nullptr && each->depth_ >= refusing->depth_;
         each = each->parent_) {
      if (!each->chosen_.reclaimer) continue;
      account* still = reclaim(bytes, *each);
      if (still == nullptr) return true;
      refusing = still;
    }
  }
  refusing->refused_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

// How much the account lacks of room for so much; 0 when it will never have it.
std::size_t account::missing_bytes(std::size_t wanted) const noexcept {
  std::size_t limit = hard_limit_.load(std::memory_order_relaxed);
  std::size_t now = charged_bytes();
  if (wanted > limit) return 0;
  return now > limit - wanted ? now - (limit - wanted) : 1;
}

// Asks one account's reclaimer as long as it helps. Null when the charge was taken, or who refuses
// it.
account* account::reclaim(std::size_t bytes, account& asked) noexcept {
  std::lock_guard one_at_a_time(asked.reclaim_lock_);
  // Another thread's call may have freed enough.
  account* refusing = charge_all(bytes);
  while (refusing != nullptr && refusing->depth_ <= asked.depth_) {
    std::size_t missing = refusing->missing_bytes(bytes);
    if (missing == 0) return refusing;
    std::size_t before = refusing->charged_bytes();
    asked.reclaims_.fetch_add(1, std::memory_order_relaxed);
    thread_reclaims = true;
    bool freed = asked.chosen_.reclaimer(asked, missing);
    thread_reclaims = false;
    bool sank = refusing->charged_bytes() < before;
    account* still = charge_all(bytes);
    if (!freed || !sank) return still;
    refusing = still;
  }
  return refusing;
}

void account::set_soft_limit(std::size_t bytes) noexcept {
  soft_limit_.store(bytes);
  look_at_soft_limit(charged_.load());
}

// Brings above_soft_limit_ up to date. Whoever charges changes charged_ and then reads the flag;
// this changes the flag and then reads charged_; so that one of the two sees the other.
void account::pass_soft_limit() noexcept {
  bool passed = false;
  {
    std::lock_guard inside(soft_lock_);
    bool above = false;
    do {
      above = charged_.load() > soft_limit_.load();
      passed |= above && !above_soft_limit_.load();
      above_soft_limit_.store(above);
    } while ((charged_.load() > soft_limit_.load()) != above);
  }
  if (!passed) return;
  soft_passes_.fetch_add(1, std::memory_order_relaxed);
  if (chosen_.at_soft_limit) chosen_.at_soft_limit(*this);
}

// ---- Reports

account_figures account::figures() const {
  account_figures found;
  found.number = number_;
  found.parent = parent_ != nullptr ? parent_->number_ : 0;
  found.name = name_;
  found.charged_bytes = charged_bytes();
  found.peak_bytes = peak_bytes();
  found.soft_limit_bytes = soft_limit_.load(std::memory_order_relaxed);
  found.hard_limit_bytes = hard_limit_.load(std::memory_order_relaxed);
  found.refused = refused_.load(std::memory_order_relaxed);
  found.reclaims = reclaims_.load(std::memory_order_relaxed);
  found.soft_passes = soft_passes_.load(std::memory_order_relaxed);
  return found;
}

std::vector<account_figures> accounts() { return account_registry::all(); }

namespace {

void write_string(std::ostream& out, const std::string& text) {
  static constexpr char digits[] = "0123456789abcdef";
  out << '"';
  for (char each : text) {
    auto code = static_cast<unsigned char>(each);
    if (code < 0x20)
      out << "\\u00" << digits[code >> 4] << digits[code & 15];
    else if (each == '"' || each == '\\')
      out << '\\' << each;
    else
      out << each;
  }
  out << '"';
}

void write_or_null(std::ostream& out, const char* key, std::uint64_t value, std::uint64_t null) {
  out << ",\"" << key << "\":";
  if (value == null)
    out << "null";
  else
    out << value;
}

}  // namespace

void write_accounts(std::ostream& out) {
  out << "{\"accounts\":[";
  const char* between = "\n";
  for (const account_figures& each : accounts()) {
    out << std::exchange(between, ",\n") << "{\"number\":" << each.number;
    write_or_null(out, "parent", each.parent, 0);
    out << ",\"name\":";
    write_string(out, each.name);
    out << ",\"charged_bytes\":" << each.charged_bytes << ",\"peak_bytes\":" << each.peak_bytes;
    write_or_null(out, "soft_limit_bytes", each.soft_limit_bytes, account::no_limit);
    write_or_null(out, "hard_limit_bytes", each.hard_limit_bytes, account::no_limit);
    out << ",\"refused\":" << each.refused << ",\"reclaims\":" << each.reclaims
        << ",\"soft_passes\":" << each.soft_passes << "}";
  }
  out << "\n]}\n";
}

// ---- For std::pmr

void* account_memory::do_allocate(std::size_t bytes, std::size_t alignment) {
  if (!account_->charge(bytes)) throw std::bad_alloc();
  detail::undo back([&] { account_->relieve(bytes); });
  void* block = upstream_->allocate(bytes, alignment);
  back.forget();
  return block;
}

void account_memory::do_deallocate(void* block, std::size_t bytes, std::size_t alignment) {
  upstream_->deallocate(block, bytes, alignment);
  account_->relieve(bytes);
}

bool account_memory::do_is_equal(const memory_resource& other) const noexcept {
  auto* same = dynamic_cast<const account_memory*>(&other);
  return same != nullptr && same->account_ == account_ && upstream_->is_equal(*same->upstream_);
}

}  // namespace strata
