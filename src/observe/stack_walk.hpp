// Whole stacks, again and again: what a recorder needs. As unwind.hpp, but what has been found out about an
// address is kept.
//
//   rules      a table shared by all threads, without locks: an entry is the packed rules and, exclusive-or
//              them, the address. Two stores that mix make an entry of no address.
//   readable   the pages of the thread's stack that are known to be; it begins anew when the thread is
//              on another stack
//
//   trace      the thread's last walk, with the place of each return address on the stack. Where the walk comes
//              to a frame that was there the last time, at the same place, and all return addresses further
//              out are still what they were, it need not go on: those frames are the same
//
// A frame in the short form costs a look into the table and two loads; one of the last walk a load. Code that is unloaded leaves its
// rules behind; what is loaded in its place may then have a wrong caller, but nothing faults.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "os/registers.hpp"

namespace strata::observe {

class stack_walker {
 public:
  // What a thread keeps from walk to walk.
  struct known_stack {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
  };

  static constexpr std::size_t most_calls = 256;

  // A stack as it was: return addresses, the outermost first, and where they were (0: unknown).
  struct trace {
    std::size_t depth = 0;
    std::uintptr_t calls[most_calls];
    std::uintptr_t places[most_calls];
  };

  // inside: an address in the library whose calls are to be left out; null: none are. False: no memory for
  // the table.
  bool set_up(const void* inside);

  // Calls that a walk has come by, the innermost first. The last has the address 0 where there are more.
  struct found {
    std::uintptr_t* calls;
    std::uintptr_t* places;
    std::size_t most;
    std::size_t depth = 0;
  };

  // The caller's stack, without the calls of that library, as far as it is not that of the last walk (which
  // may be null). Returns how many calls of that one are still there. from: the call where it begins, if it is
  // known; null, or of no call: here.
  std::size_t walk(known_stack& known, const trace* last, found& into,
                   const os::calling_frame* from = nullptr);

 private:
  struct kept {
    std::atomic<std::uint64_t> check;
    std::atomic<std::uint64_t> packed;
  };
  static constexpr unsigned entry_bits = 15;
  static constexpr std::size_t entries = std::size_t{1} << entry_bits;

  struct place;
  static void begin_at(const os::calling_frame& from, place& now);
  std::uint64_t rules_at(std::uintptr_t pc);
  bool go_on(place& at, known_stack& known);

  kept* table_ = nullptr;
  std::uintptr_t own_start_ = 0;
  std::uintptr_t own_bytes_ = 0;
};

}  // namespace strata::observe
