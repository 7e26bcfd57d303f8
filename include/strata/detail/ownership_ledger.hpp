// What the owners (box, rc, arc, intrusive_rc) report in debug mode, and to whom.
//
// STRATA_OWNERSHIP_DEBUG, 0 or 1, is chosen for a whole program. The owners stand in an inline
// namespace that is named for it, so that a function which takes or returns one is another function
// in the other mode: a caller and a callee that disagree do not link. Classes with owners as members
// have the same name in both modes, and the linker cannot tell them apart: compile all with one choice.
//
// In debug mode the ledger, which is the library's and has one lock, knows
//
//   objects   start, bytes, type: from the time they are made until they start to be destroyed
//   slots     each owner and weak pointer, by its own address, and where it points
//
//      slot (on a stack)        object a             object b
//        [ * ]--------------->| ... [ * ]-----|--->| ..... |
//                                    slot in a
//
// A slot that lies inside an object is an edge of the graph of objects: no list of members is needed.
// Slots elsewhere, say in a vector's block, belong to an object where edges<T> names them.
//
//   time      O(log n) for each owner made, moved or dropped; a lock
//   threads   any
//   exhausted the process ends: the ledger stands on std::map
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <strata/detail/support.hpp>

#if !defined(STRATA_OWNERSHIP_DEBUG)
#define STRATA_OWNERSHIP_DEBUG 0
#endif
#if STRATA_OWNERSHIP_DEBUG
#define STRATA_OWNERSHIP_MODE ownership_checked
#else
#define STRATA_OWNERSHIP_MODE ownership_fast
#endif

namespace strata {

// Where an object's owners lie outside of it, as those in a vector do, a specialisation names them:
//
//   template <> struct strata::edges<node> {
//     template <class Visit> static void each(const node& one, Visit visit) {
//       for (const strata::rc<node>& child : one.children) visit(child);
//     }
//   };
//
// It comes before the first such object is made, and copies no owner.
template <class T>
struct edges;

namespace detail {

enum class ownership_misuse : std::uint8_t {
  count_overflow,        // more owners than a count can tell
  not_the_whole_object,  // moved, copied or shared as a base of what it is
  double_drop,           // an owner destroyed twice, or a copy of its bytes
  use_after_move,
  use_of_null,
  borrowed_while_freed,  // a borrowed reference used when its object had gone
};
// One line on stderr, then abort. Allocates nothing.
[[noreturn]] STRATA_RESOURCES_API void stop_ownership(ownership_misuse kind, std::string_view type,
                                                      const void* address) noexcept;

// As the compiler spells it.
template <class T>
constexpr std::string_view type_name() noexcept {
  std::string_view text = __PRETTY_FUNCTION__;  // "... [with T = node; ...]" or "... [T = node]"
  text.remove_prefix(text.find("T = ") + 4);
  return text.substr(0, std::min(text.find(';'), text.rfind(']')));  // an array's type has a ] too
}

namespace ownership_ledger {

enum class slot_kind : std::uint8_t { owner, weak };

// Takes the slots that edges<T> names.
class slot_sink {
 public:
  virtual void take(const void* slot) = 0;

 protected:
  ~slot_sink() = default;
};
using each_slot = void (*)(const void* start, std::size_t bytes, slot_sink& sink);

STRATA_RESOURCES_API void object_made(const void* start, std::size_t bytes, std::string_view type,
                                      each_slot slots) noexcept;
// These two: any address inside the object.
STRATA_RESOURCES_API void object_ended(const void* inside) noexcept;
// Differs for each object that ever was; 0 where there is none.
STRATA_RESOURCES_API std::uint64_t serial_of(const void* inside) noexcept;

STRATA_RESOURCES_API void slot_made(const void* slot, const void* target, slot_kind kind) noexcept;
STRATA_RESOURCES_API void slot_set(const void* slot, const void* target, bool moved) noexcept;
STRATA_RESOURCES_API void slot_ended(const void* slot) noexcept;
// Stops where there is no such slot: it was dropped before, or never made but copied byte by byte.
STRATA_RESOURCES_API void check_slot(const void* slot, std::string_view type) noexcept;
[[noreturn]] STRATA_RESOURCES_API void stop_at_null(const void* slot,
                                                    std::string_view type) noexcept;

}  // namespace ownership_ledger
}  // namespace detail
}  // namespace strata

namespace strata {
inline namespace STRATA_OWNERSHIP_MODE {

inline constexpr bool ownership_debug = STRATA_OWNERSHIP_DEBUG != 0;

}  // namespace STRATA_OWNERSHIP_MODE
}  // namespace strata

namespace strata::detail {
inline namespace STRATA_OWNERSHIP_MODE {

// The one word that an owner is. Null when empty or moved from.
template <class T, class Named = T,
          ownership_ledger::slot_kind Kind = ownership_ledger::slot_kind::owner>
class slot {
 public:
  explicit slot(T* to = nullptr) noexcept : to_(to) {
    if constexpr (ownership_debug) ownership_ledger::slot_made(this, to_, Kind);
  }
  slot(const slot&) = delete;
  slot& operator=(const slot&) = delete;
  ~slot() {
    if constexpr (ownership_debug) ownership_ledger::slot_ended(this);
  }

  [[nodiscard]] T* get() const noexcept { return to_; }
  // For use: not null.
  [[nodiscard]] T* used() const noexcept {
    if constexpr (ownership_debug) {
      if (to_ == nullptr) ownership_ledger::stop_at_null(this, type_name<Named>());
    }
    return to_;
  }
  // For the owner's destructor.
  [[nodiscard]] T* dropped() const noexcept {
    if constexpr (ownership_debug) ownership_ledger::check_slot(this, type_name<Named>());
    return to_;
  }
  // Moves it out.
  [[nodiscard]] T* take() noexcept {
    T* was = to_;
    to_ = nullptr;
    if constexpr (ownership_debug) ownership_ledger::slot_set(this, nullptr, was != nullptr);
    return was;
  }
  void swap(slot& other) noexcept {
    std::swap(to_, other.to_);
    if constexpr (ownership_debug) {
      ownership_ledger::slot_set(this, to_, false);
      ownership_ledger::slot_set(&other, other.to_, false);
    }
  }

 private:
  T* to_;
};

template <class T>
void note_object([[maybe_unused]] const T* start, [[maybe_unused]] std::size_t count) noexcept {
  if constexpr (ownership_debug) {
    ownership_ledger::each_slot slots = nullptr;
    if constexpr (requires { sizeof(edges<T>); }) {
      slots = [](const void* first, std::size_t bytes, ownership_ledger::slot_sink& sink) {
        auto* object = static_cast<const T*>(first);
        for (std::size_t left = bytes / sizeof(T); left > 0; --left, ++object) {
          edges<T>::each(*object, [&](const auto& owner) { sink.take(&owner); });
        }
      };
    }
    ownership_ledger::object_made(start, count * sizeof(T), type_name<T>(), slots);
  }
}
inline void forget_object([[maybe_unused]] const void* inside) noexcept {
  if constexpr (ownership_debug) ownership_ledger::object_ended(inside);
}

}  // namespace STRATA_OWNERSHIP_MODE
}  // namespace strata::detail
