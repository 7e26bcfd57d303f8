// gc::sink: where reports of a heap go, piece by piece, so that none has to fit into memory. Whatever takes a
// string_view will do; it is only referred to.
//
//   gc::describe(heap, [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); });
//
// While the heap's threads are stopped it is called, too: it may block, throw and allocate by malloc, but not use the heap.
#pragma once

#include <concepts>
#include <memory>
#include <string_view>
#include <type_traits>

namespace strata::gc {

class sink {
 public:
  template <class Write>
  requires(!std::same_as<std::remove_cvref_t<Write>, sink> &&
           std::invocable<Write&, std::string_view>) sink(Write&& write)
  noexcept  // NOLINT(google-explicit-constructor)
      : write_(address_of(write)), call_([](void* to, std::string_view text) {
          using target = std::remove_reference_t<Write>;
          if constexpr (std::is_function_v<target>)
            reinterpret_cast<target*>(to)(text);
          else
            (*static_cast<target*>(to))(text);
        }) {}

  void operator()(std::string_view text) const { call_(write_, text); }

 private:
  template <class Write>
  static void* address_of(Write& write) {
    if constexpr (std::is_function_v<Write>)
      return reinterpret_cast<void*>(&write);
    else
      return const_cast<void*>(static_cast<const void*>(std::addressof(write)));
  }

  void* write_;
  void (*call_)(void* to, std::string_view text);
};

enum class format : unsigned char { text, json };

}  // namespace strata::gc
