// Where references may lie outside of the heap: data of the program and its libraries, what programs name, and what
// threads have for themselves.
//
//   before the lock   snapshot: what is loaded, by the loader's lock
//   world stopped     is_current: nothing was loaded since; then all of it is scanned
//
// The loader's lock comes before the world's: constructors of a library that is being loaded may allocate.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "conservative/marker.hpp"
#include "os/loaded.hpp"

namespace strata::boehm {

using root_filter = int (*)(const char* file, void* from, std::size_t bytes);

class snapshot {
 public:
  static constexpr std::size_t most_ranges = 2048;
  static constexpr std::size_t most_modules = 512;

  // On pages of its own; null when there are none.
  static snapshot* take(root_filter filter);
  void release();
  [[nodiscard]] bool is_current() const { return loaded_ == os::loaded_count(); }

  std::array<os::data_range, most_ranges> ranges{};
  std::array<os::thread_module, most_modules> modules{};
  std::size_t range_count = 0;
  std::size_t program_range_count = 0;  // the first ones are the program's own
  std::size_t module_count = 0;

 private:
  void add(os::data_range range, const char* name);
  void add(const os::thread_module& module);

  root_filter filter_ = nullptr;
  std::size_t loaded_ = 0;
};

class roots {
 public:
  root_filter filter = nullptr;
  bool without_program = false;  // GC_clear_roots was called

  bool add(os::data_range range);
  void remove_within(os::data_range range);
  void clear();
  bool exclude(os::data_range range);
  void clear_excluded() { excluded_count_ = 0; }

  // Of everything but threads. Returns its bytes.
  std::size_t scan(const snapshot& loaded, conservative::marker& to);
  // Whether a place is scanned.
  [[nodiscard]] bool has(const snapshot& loaded, std::uintptr_t address) const;

 private:
  static constexpr std::size_t most = 2048;

  std::size_t scan(os::data_range range, conservative::marker& to);

  std::array<os::data_range, most> added_{};
  std::array<os::data_range, most> excluded_{};  // by address
  std::size_t added_count_ = 0;
  std::size_t excluded_count_ = 0;
};

}  // namespace strata::boehm
