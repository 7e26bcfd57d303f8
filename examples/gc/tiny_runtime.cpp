// A runtime of a language in a few lines: values, a stack, a pair, and a million that are collected.
#include <array>
#include <cstdio>
#include <strata/gc.hpp>

namespace gc = strata::gc;
using gc::value;

// Immediates are the runtime's to divide up: here all are integers.
value integer(long n) { return value::immediate(static_cast<std::uintptr_t>(n)); }
long number_in(value v) { return static_cast<long>(v.bits()); }

// Objects are plain C++; the heap finds the references in them.
struct pair {
  gc::ref<value> head, tail;
};

class machine {
 public:
  machine() : stack_roots_(heap_, stack_.data(), stack_.size()) { stack_roots_.set_end(top_); }

  // What lies below `end` is a root: say so before anything allocates.
  void push(value v) {
    *top_++ = v;
    stack_roots_.set_end(top_);
  }
  value pop() { return *--top_; }
  // tail head -> pair
  void cons() {
    value made{self_.make<pair>(top_[-1], top_[-2])};
    top_ -= 2;
    push(made);
  }
  gc::heap& heap() { return heap_; }

 private:
  gc::heap heap_{{.max_bytes = std::size_t{4} << 20}};
  gc::mutator self_{heap_};
  std::array<value, 1000> stack_{};
  value* top_ = stack_.data();
  gc::roots stack_roots_;
};

int main() {
  machine m;
  for (int round = 0; round < 1000; ++round) {
    m.push(value{});  // the end of a list
    for (long n = 1; n <= 1000; ++n) {
      m.push(integer(n));
      m.cons();
    }
    long sum = 0;
    for (value at = m.pop(); at.is<pair>(); at = at.as<pair>()->tail)
      sum += number_in(at.as<pair>()->head);
    if (sum != 500500) return 1;
  }
  auto collections = m.heap().statistics().full_collections;
  std::printf("%llu collections\n", static_cast<unsigned long long>(collections));
  return collections > 0 ? 0 : 1;
}
