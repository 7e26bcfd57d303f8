// Where code came from: the files that processes had mapped.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/model/capture/format.hpp"

namespace strata::cli::capture {

// A place in a file that has code.
struct code_place {
  std::size_t module = 0;  // index
  std::uint64_t offset = 0;

  // NOLINTNEXTLINE(modernize-use-nullptr): there is none
  auto operator<=>(const code_place&) const = default;
};

struct module {
  std::string path;
  std::string build_id;
};

// Code of a module in the memory of a process.
struct code_range {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;  // of start, in the file
  std::size_t module = 0;
};

class module_table {
 public:
  void add(const mapping& one);
  // The range that has the address; null: it is in no file that is known.
  const code_range* range_of(std::uint32_t process, std::uint64_t address) const;
  // Where the address is in the process; false: in no file that is known.
  bool find(std::uint32_t process, std::uint64_t address, code_place& into) const;
  template <typename Visit>
  void each_range(std::uint32_t process, Visit visit) const {
    const auto ranges = ranges_.find(process);
    if (ranges == ranges_.end()) return;
    for (const auto& [start, range] : ranges->second) visit(range);
  }
  // The module's index, made when it is new.
  std::size_t index_of(const std::string& path, const std::string& build_id);
  const std::vector<module>& all() const { return modules_; }

 private:
  std::vector<module> modules_;
  std::map<std::pair<std::string, std::string>, std::size_t> known_;
  std::map<std::uint32_t, std::map<std::uint64_t, code_range>> ranges_;  // by process, by start
};

}  // namespace strata::cli::capture
