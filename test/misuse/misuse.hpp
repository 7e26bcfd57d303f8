// The vocabulary of the misuse programs: what a misuse is, how it is carried out, how it ends.
//
// A program runs one kind at one size and tells the runner on stdout how far it came:
//
//   misuse 0x7f...    the misuse follows; the address that it is about
//   over              the misuse is done, and nobody has stopped the process
//   missed            (or another outcome) the process ran to its end
//
// A process that is stopped says no more than it had said by then. Nothing here allocates: between
// two steps of a misuse the heap must be as the kind's function left it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace misuse {

// How a misuse ended that nobody stopped.
enum class outcome {
  harmless,   // no block, no content and no later allocation is any different for it
  missed,     // damage was done: a live block changed, or what was freed could be read
  exploited,  // the heap handed out memory that is in use, or that is not its own
  absent,     // nothing to misuse: no such function, or no block where the kind needs one
};

// What the misuse consists of.
enum class group {
  call,    // an argument that free, realloc or delete must refuse
  stale,   // an argument that was wrong once and, through reuse, looks right
  access,  // a read or write where the program has no business
};

struct kind {
  const char* name;
  group what;
  bool in_matrix;  // counts towards the matrix of 25 kinds; the others are run on demand
  outcome (*run)(std::size_t size);
};

// The kinds of each source, in the order in which they are shown.
extern const std::span<const kind> double_frees;
extern const std::span<const kind> bad_frees;
extern const std::span<const kind> bad_resizes;
extern const std::span<const kind> stray_writes;
extern const std::span<const kind> stale_accesses;

void say_misuse(const void* address);
void say_over();

// Carries out the misuse.
template <typename Deed>
void commit(const void* address, Deed deed) {
  say_misuse(address);
  deed();
  say_over();
}

// The same value, of whose origin the compiler knows nothing.
template <typename Value>
Value hide(Value value) {
  asm volatile("" : "+r"(value) : : "memory");
  return value;
}

inline std::uintptr_t number(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

// The worse of two.
inline outcome worse(outcome a, outcome b) { return a < b ? b : a; }

inline outcome missed_if(bool damage) { return damage ? outcome::missed : outcome::harmless; }

}  // namespace misuse
