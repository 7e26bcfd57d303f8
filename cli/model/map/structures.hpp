// Structures of a library, as they lie in the memory of a process that has loaded it.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/model/layout/debug_info.hpp"
#include "cli/model/layout/record.hpp"
#include "cli/model/map/memory.hpp"

namespace strata::cli::map {

// The library or the process is not as expected; what() is for people.
struct unknown_structure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Where the fields of one type lie, those of its bases included.
class structure {
 public:
  structure(const layout::catalogue& all, const std::string& name);

  std::uint64_t bytes() const { return bytes_; }
  // A field of up to 8 bytes, out of the bytes of an object.
  std::uint64_t value(const std::vector<char>& object, const std::string& field) const;
  std::uint64_t offset(const std::string& field) const;

 private:
  struct place {
    std::string name;
    std::uint64_t offset;
    std::uint64_t bytes;
  };
  void add(const layout::catalogue& all, std::size_t index, std::uint64_t offset);
  const place& place_of(const std::string& field) const;

  std::string name_;
  std::uint64_t bytes_ = 0;
  std::vector<place> places_;
};

// The library's variables and types, in the process.
class loaded_library {
 public:
  // bias: what is added to its symbols' addresses.
  loaded_library(const layout::debug_info& info, const layout::catalogue& types, const memory& from,
                 std::uint64_t bias)
      : info_(info), types_(types), from_(from), bias_(bias) {}

  structure type(const std::string& name) const { return {types_, name}; }
  // The address of a variable, by its symbol.
  std::uint64_t address(const std::string& symbol) const;
  std::vector<char> bytes(std::uint64_t address, std::uint64_t count) const;
  std::vector<std::uint64_t> words(std::uint64_t address, std::uint64_t count) const;
  // A variable of up to 8 bytes.
  std::uint64_t value(const std::string& symbol, std::uint64_t bytes) const;

 private:
  const layout::debug_info& info_;
  const layout::catalogue& types_;
  const memory& from_;
  std::uint64_t bias_;
};

}  // namespace strata::cli::map
