// The header of a managed object: what the collector knows of it. Nothing else in Strata reads or
// writes a header but through one of these policies.
//
//   compact, 8 bytes, in front of the object
//     63 .............. 16 | 15 ....... 8 | 7 .. 4 | 3 2  | 1      | 0
//     address of its type  | mark         | age    | hash | pinned | forwarded
//
//   wide, 16 bytes, as HotSpot's
//     | 63 .............................. 0 |     type
//     | 63 ... 32 | 31 ... 16 | 15 .. as above |  hash, lock, state
//
//   forwarded: the word's other bits are the address of the object's copy, which is a multiple of 8
//   mark:      the number of the marking that last reached it; 0 in a new object
//   hash:      of a compact header 0: nobody has asked for the object's identity hash
//                                  1: somebody has; it follows from where the object lies
//                                  2: the object has moved since; a word behind it holds the hash
//              a wide header holds the hash itself, and this stays 0
//   lock:      for the embedder's use
//
// Addresses of types have 48 bits: Linux gives others only to those who ask.
#pragma once

#include <atomic>
#include <type_traits>

#include <strata/gc/config.hpp>

namespace strata::gc {

struct type;

namespace detail {

// What both policies do with the word in front of the object.
struct header_word {
  static constexpr std::uint64_t forwarded = 1;
  static constexpr std::uint64_t pinned = 2;
  static constexpr unsigned hash_shift = 2;
  static constexpr std::uint64_t hash_mask = std::uint64_t{3} << hash_shift;
  static constexpr std::uint64_t hashed = std::uint64_t{1} << hash_shift;
  static constexpr std::uint64_t hash_behind = std::uint64_t{2} << hash_shift;
  static constexpr unsigned age_shift = 4;
  static constexpr std::uint64_t age_mask = std::uint64_t{15} << age_shift;
  static constexpr unsigned mark_shift = 8;

  static std::uint64_t& at(void* object) { return static_cast<std::uint64_t*>(object)[-1]; }
  // Markers on several threads, and mutators that ask for a hash, meet here: relaxed, because what they
  // tell each other by it is only this word.
  static std::uint64_t load(void* object) {
    return std::atomic_ref<std::uint64_t>(at(object)).load(std::memory_order_relaxed);
  }
  static std::uint8_t& mark_byte(void* object) { return static_cast<std::uint8_t*>(object)[-7]; }
  static std::uint8_t mark(void* object) {
    return std::atomic_ref<std::uint8_t>(mark_byte(object)).load(std::memory_order_relaxed);
  }
  static void set_mark(void* object, std::uint8_t to) {
    std::atomic_ref<std::uint8_t>(mark_byte(object)).store(to, std::memory_order_relaxed);
  }
  // False when it has that mark already.
  static bool take_mark(void* object, std::uint8_t to) {
    return std::atomic_ref<std::uint8_t>(mark_byte(object))
               .exchange(to, std::memory_order_relaxed) != to;
  }
  static void* forwarding(std::uint64_t word) { return pointer_to(word & ~forwarded); }
  static void forward(void* object, void* copy) { at(object) = address_of(copy) | forwarded; }
  // Where several threads copy at once: true for the one whose copy it is. word: that of the object before; otherwise
  // it becomes the one that leads to another's. release and acquire: with the copy's address comes what was done
  // to take room for it.
  static bool try_forward(void* object, std::uint64_t& word, void* copy) {
    return std::atomic_ref<std::uint64_t>(at(object))
        .compare_exchange_strong(word, address_of(copy) | forwarded, std::memory_order_release,
                                 std::memory_order_acquire);
  }
  static std::uint64_t load_acquire(void* object) {
    return std::atomic_ref<std::uint64_t>(at(object)).load(std::memory_order_acquire);
  }
  // The same type and hash, of no age, with that mark.
  static std::uint64_t settled(std::uint64_t word, std::uint8_t mark) {
    constexpr std::uint64_t mark_mask = std::uint64_t{0xff} << mark_shift;
    return (word & ~(age_mask | mark_mask)) | (std::uint64_t{mark} << mark_shift);
  }
  static unsigned age(std::uint64_t word) {
    return static_cast<unsigned>((word & age_mask) >> age_shift);
  }
  static std::uint64_t with_age(std::uint64_t word, unsigned age) {
    return (word & ~age_mask) | (std::uint64_t{age} << age_shift);
  }
};

struct compact_header : header_word {
  static constexpr std::size_t bytes = 8;
  static void start(void* object, const type* of) { at(object) = address_of(of) << 16; }
  // What of a copy's header is not in the word.
  static void copy_type(void*, const void*) {}
  static type* type_in(void*, std::uint64_t word) { return pointer_to<type>(word >> 16); }
  // Of a hash behind the object.
  static std::size_t tail_bytes(std::uint64_t word) {
    static_assert(hash_behind == word_bytes);
    return word & hash_behind;
  }
  // How much longer than the object its copy is.
  static std::size_t growth(std::uint64_t word) { return (word & hashed) * (word_bytes / hashed); }
};

struct wide_header : header_word {
  static constexpr std::size_t bytes = 16;
  static void start(void* object, const type* of) {
    static_cast<std::uint64_t*>(object)[-2] = address_of(of);
    at(object) = 0;
  }
  static void copy_type(void* copy, const void* object) {
    static_cast<std::uint64_t*>(copy)[-2] = static_cast<const std::uint64_t*>(object)[-2];
  }
  static type* type_in(void* object, std::uint64_t) {
    return pointer_to<type>(static_cast<std::uint64_t*>(object)[-2]);
  }
  static constexpr std::size_t tail_bytes(std::uint64_t) { return 0; }
  static constexpr std::size_t growth(std::uint64_t) { return 0; }
  // Neighbours of the mark that nobody writes by whole words while mutators run.
  static std::uint32_t& hash(void* object) { return static_cast<std::uint32_t*>(object)[-1]; }
  static std::uint16_t& lock_bits(void* object) { return static_cast<std::uint16_t*>(object)[-3]; }
};

using header = std::conditional_t<STRATA_GC_WIDE_HEADER != 0, wide_header, compact_header>;

// word: the object's header word, not forwarded.
inline type* type_of_object(void* object) { return header::type_in(object, header::load(object)); }

}  // namespace detail
}  // namespace strata::gc
