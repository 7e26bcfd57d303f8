// Address space and pages from the kernel. The kernel hands out address ranges first and physical
// pages on first touch; these functions keep the two apart:
//
//   reserve --> [ range of addresses, nothing behind it ] --> release
//                     | commit: may be read and written; pages come on first touch, zeroed
//                     v
//               [ committed ] --purge--> still committed, pages gone, reads as zero
//
// All sizes and addresses are multiples of page_bytes() unless a function says otherwise. Every
// function keeps errno. Safe from any thread; none takes a lock of ours.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/config.hpp"

namespace strata::os {

// The system's page size, or a larger power of two that set_page_bytes asked for.
std::size_t page_bytes();
// Raises the page size that Strata works with; for tests. Call before anything is reserved.
void set_page_bytes(std::size_t bytes);
// Number of bits in a user-space address: 47 or 48 on common systems, 39 on small ones.
unsigned address_bits();
// Below this nothing is ever mapped for us: 0, but for ThreadSanitizer, which keeps all but the top
// of the address space to itself.
inline constexpr std::uintptr_t lowest_address = config::thread_sanitizer ? 0x7e8000000000 : 0;
// Bytes of physical memory of the machine.
std::size_t physical_bytes();

enum class reserved_as { inaccessible, readable };

// A range of addresses with nothing behind it; null when refused. `readable` reads as zero.
// alignment: a power of two.
void* reserve(std::size_t bytes, std::size_t alignment, reserved_as access);
// Readable, writable memory in one step; null when refused.
void* map(std::size_t bytes, std::size_t alignment);
// Makes part of a reservation readable and writable.
bool commit(void* range, std::size_t bytes);
// Makes a committed range inaccessible; commit() undoes it, and the contents are as before. False when
// refused (the number of mappings is limited).
bool guard(void* range, std::size_t bytes);
// Gives the pages behind a committed range back; it then reads as zero. False when the kernel
// refused: the contents are then as they were.
bool purge(void* range, std::size_t bytes);
// Gives range and addresses back. False when refused (the number of mappings is limited).
bool release(void* range, std::size_t bytes);
// Grows or shrinks a mapping made by map(), moving it if need be; null when refused, the old one
// then stands as before.
void* remap(void* range, std::size_t old_bytes, std::size_t new_bytes);
// Moves the pages behind `from` to `to` in one step as seen by every thread; `from` stays mapped
// and reads as zero. Linux 5.7 and later; false when it can't be done.
bool lift_pages(void* from, void* to, std::size_t bytes);

// Every thread of this process has run a full memory barrier when it returns: the dear half of an
// asymmetric fence. False where the kernel can't (before Linux 4.14); it then never can.
bool order_all_threads();

// Advice, never needed for correctness.
void never_huge(void* range, std::size_t bytes);
void prefer_huge(void* range, std::size_t bytes);
// Makes the system find pages for a committed range now, contents as they are. Linux 5.14 and later; false when
// it can't be done.
bool populate(void* range, std::size_t bytes);
void leave_out_of_core_dumps(void* range, std::size_t bytes);
void take_into_core_dumps(void* range, std::size_t bytes);

// Resident bytes of this process now; 0 when /proc can't be read.
std::size_t resident_bytes();
std::size_t peak_resident_bytes();

}  // namespace strata::os
