// buffer_pool in one thread: buffers at once, and waiters as coroutines are, which the pool resumes
// through options.resume. Nothing sleeps, so the input says all that happens.
//
//   a waiter   idle --> in line --> resumed (its turn is noted) --> holds a buffer, or none
//
// Bytes are conserved; who is first in line doesn't fit; a tenant's waiters are resumed in order.
#include <strata/buffer_pool.hpp>

#include <deque>
#include <memory>
#include <optional>

#include "fuzz.hpp"

using namespace strata;

namespace {

constexpr std::size_t slots = 48;
constexpr std::size_t tenants = 3;

struct waiter {
  std::optional<buffer_pool::acquisition> wait;
  std::stop_source stop;
  std::size_t bytes = 0;
  std::size_t tenant = 0;
  bool in_line = false;
  bool resumed = false;
  bool granted = false;  // what it asked for counts as lent until it comes for it
};

class program {
 public:
  explicit program(const fuzz::record& choices) : pool_(options_from(choices), &memory_) {}
  ~program() {
    for (waiter& each : waiters_) abandon(each);
    for (pooled_buffer& each : held_) each.reset();
    buffer_pool_metrics end = pool_.metrics();
    fuzz::expect(end.lent_bytes == 0 && end.waiters == 0,
                 "something stays lent, or somebody waits");
    pool_.verify();
  }

  void apply(const fuzz::record& now) {
    std::size_t bytes = fuzz::size_from(now.amount);
    if (now.flavour() >= 8) bytes = poolable_;
    std::size_t slot = now.which % slots;
    std::size_t tenant = one_tenant_ ? 0 : now.which % tenants;
    switch (now.operation()) {
      case 0:
      case 1:
        take(slot, bytes, tenant);
        break;
      case 2:
      case 3:
        if (held_[slot]) check(held_[slot]);
        held_[slot].reset();
        break;
      case 4:
      case 5:
        begin(waiters_[slot], bytes, tenant);
        break;
      case 6:
      case 7:
        end(slot);
        break;
      case 8:
        cancel(waiters_[slot]);
        break;
      case 9:
        abandon(waiters_[slot]);
        break;
      case 10:
        memory_.fail_later(now.amount % 16, now.flavour() % 8 + 1);
        break;
      case 11:
        several(slot, bytes, tenant);
        break;
      case 12:
        raw(bytes);
        break;
      case 13:
        if (now.flavour() == 7) close();
        break;
      case 14:
        for (std::size_t i = 0; i < slots; i += 1 + now.flavour()) held_[i].reset();
        break;
      default:
        pool_.verify();
    }
    settle();
  }

 private:
  buffer_pool_options options_from(const fuzz::record& choices) {
    static constexpr std::array<std::uint32_t, tenants> weights{1, 3, 2};
    total_ = 1 + choices.amount;
    poolable_ = choices.which == 0 ? 0 : 8 * std::size_t{choices.which};
    one_tenant_ = choices.flavour() % 2 == 0;
    buffer_pool_options chosen{.total_bytes = total_,
                               .poolable_bytes = poolable_,
                               .alignment = std::size_t{8} << choices.flavour() / 4};
    if (!one_tenant_) chosen.weights = weights;
    chosen.resume = [this](std::coroutine_handle<> one) { resumed(one.address()); };
    return chosen;
  }

  // The pool resumes somebody.
  void resumed(void* address) {
    auto& one = *static_cast<waiter*>(address);
    fuzz::expect(one.in_line, "somebody is resumed who doesn't wait");
    std::deque<waiter*>& line = lines_[one.tenant];
    if (!closed_ && !one.stop.stop_requested()) {
      fuzz::expect(line.front() == &one, "somebody is resumed out of turn");
    }
    std::erase(line, &one);
    one.in_line = false;
    one.resumed = true;
    one.granted = !closed_ && !one.stop.stop_requested();
    if (one.granted) granted_ += one.bytes;
  }

  void fill(pooled_buffer& one) {
    fuzz::expect(detail::address_of(one.data()) % 8 == 0, "a buffer is not aligned");
    std::memset(one.data(), static_cast<int>(one.size() % 251), one.size());
  }
  static void check(const pooled_buffer& one) {
    auto want = static_cast<std::byte>(one.size() % 251);
    for (std::byte each : one.span()) fuzz::expect(each == want, "a buffer's contents changed");
  }
  void judge(acquire_status status, std::size_t bytes, std::size_t refused) {
    if (status == acquire_status::too_large) fuzz::expect(bytes > total_, "too large, and isn't");
    if (status == acquire_status::no_memory) {
      fuzz::expect(memory_.refused() != refused, "upstream had memory");
    }
    if (status == acquire_status::closed) fuzz::expect(closed_, "closed, and isn't");
    if (status == acquire_status::timeout) {
      fuzz::expect(bytes > free_bytes() || someone_waits(), "no time for what was there");
    }
    if (closed_ && bytes <= total_) {
      fuzz::expect(status == acquire_status::closed, "a closed pool gave something");
    }
  }

  void take(std::size_t slot, std::size_t bytes, std::size_t tenant) {
    if (held_[slot]) return;
    std::size_t refused = memory_.refused();
    pooled_buffer got = pool_.try_acquire(bytes, tenant);
    bytes = std::max<std::size_t>(bytes, 1);
    judge(got.status(), bytes, refused);
    if (!got) return;
    fuzz::expect(got.size() == bytes, "another length");
    fill(got);
    held_[slot] = std::move(got);
  }
  void several(std::size_t slot, std::size_t bytes, std::size_t tenant) {
    std::array<std::size_t, 3> sizes{bytes, poolable_, bytes / 2};
    std::array<pooled_buffer, 3> into;
    acquire_status status = pool_.acquire_all(sizes, into, std::chrono::nanoseconds(0), tenant);
    for (std::size_t i = 0; i < into.size(); ++i) {
      fuzz::expect(static_cast<bool>(into[i]) == (status == acquire_status::granted),
                   "some of several, or none");
      if (into[i]) fill(into[i]);
      if (!held_[(slot + i) % slots]) held_[(slot + i) % slots] = std::move(into[i]);
    }
  }
  void raw(std::size_t bytes) {
    void* start = pool_.try_allocate(bytes, 8);
    if (start == nullptr) return;
    settle_with(std::max<std::size_t>(bytes, 1));
    pool_.deallocate(start, bytes, 8);
  }

  void begin(waiter& one, std::size_t bytes, std::size_t tenant) {
    if (one.wait) return;
    one.bytes = std::max<std::size_t>(bytes, 1);
    one.tenant = tenant;
    one.stop = std::stop_source();
    one.resumed = one.granted = false;
    bool waited = someone_waits();
    make(one, bytes);
    if (one.wait->await_ready()) {
      one.resumed = true;
      one.granted = one.bytes <= total_ && !closed_;
      if (!one.granted) return;
      fuzz::expect(!waited, "a newcomer passed somebody");
      granted_ += one.bytes;
      return;
    }
    one.in_line = true;
    lines_[tenant].push_back(&one);
    bool suspended = one.wait->await_suspend(std::coroutine_handle<>::from_address(&one));
    fuzz::expect(suspended, "room that was not there a moment ago");
  }
  // Where it stays: nobody may move it.
  void make(waiter& one, std::size_t bytes) {
    struct in_place {
      program* self;
      waiter* one;
      std::size_t bytes;
      operator buffer_pool::acquisition() const {  // NOLINT(google-explicit-constructor)
        return self->pool_.async_acquire(bytes, one->stop.get_token(), one->tenant);
      }
    };
    one.wait.emplace(in_place{this, &one, bytes});
  }
  void end(std::size_t slot) {
    waiter& one = waiters_[slot];
    if (!one.wait || !one.resumed) return;
    if (one.granted) granted_ -= one.bytes;
    pooled_buffer got = one.wait->await_resume();
    one.wait.reset();
    if (!one.granted) fuzz::expect(!got, "somebody got what was not granted");
    if (!got || held_[slot]) return;
    fuzz::expect(got.size() == one.bytes, "another length");
    fill(got);
    held_[slot] = std::move(got);
  }
  void cancel(waiter& one) {
    if (!one.in_line) return;
    // First, for others may be resumed before it is.
    std::erase(lines_[one.tenant], &one);
    one.stop.request_stop();
    fuzz::expect(!one.in_line, "a stop was not heard");
  }
  void abandon(waiter& one) {
    if (!one.wait) return;
    if (one.in_line) {
      std::erase(lines_[one.tenant], &one);
      one.in_line = false;
    } else if (one.granted) {
      granted_ -= one.bytes;
    }
    one.wait.reset();
  }
  void close() {
    closed_ = true;
    pool_.close();
    for (const std::deque<waiter*>& each : lines_) fuzz::expect(each.empty(), "somebody waits on");
  }

  [[nodiscard]] std::uint64_t lent() const {
    std::uint64_t sum = granted_;
    for (const pooled_buffer& each : held_) sum += each.size();
    return sum;
  }
  [[nodiscard]] std::uint64_t free_bytes() const { return total_ - lent(); }
  [[nodiscard]] bool someone_waits() const {
    return std::any_of(lines_.begin(), lines_.end(),
                       [](const auto& line) { return !line.empty(); });
  }
  void settle() {
    settle_with(0);
    if (one_tenant_ && !lines_[0].empty()) {
      fuzz::expect(lines_[0].front()->bytes > free_bytes(), "the first in line fits, and waits");
    }
    if (someone_waits()) {
      bool all_fit = true;
      for (const auto& line : lines_) {
        if (!line.empty()) all_fit &= line.front()->bytes <= free_bytes();
      }
      fuzz::expect(!all_fit, "whoever is next fits, and waits");
    }
  }
  void settle_with(std::uint64_t more) {
    buffer_pool_metrics now = pool_.metrics();
    std::size_t waiting = 0;
    for (const auto& line : lines_) waiting += line.size();
    fuzz::expect(now.lent_bytes == lent() + more, "lent_bytes is not what is lent");
    fuzz::expect(now.free_bytes + now.pooled_bytes + now.lent_bytes == total_, "bytes are missing");
    fuzz::expect(now.waiters == waiting, "another number waits");
  }

  fuzz::upstream memory_;
  std::uint64_t total_ = 0;
  std::size_t poolable_ = 0;
  bool one_tenant_ = true;
  bool closed_ = false;
  std::uint64_t granted_ = 0;  // to those who were resumed, and did not come yet
  std::array<std::deque<waiter*>, tenants> lines_;
  buffer_pool pool_;
  std::array<pooled_buffer, slots> held_;
  std::array<waiter, slots> waiters_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  program one(from.next());
  for (fuzz::record now; from.next(now);) one.apply(now);
  return 0;
}
