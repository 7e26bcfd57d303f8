// The bytes of another process, or those that a core dump kept of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cli/model/file.hpp"

namespace strata::cli::map {

// The unit in which the kernel gives memory.
std::uint64_t system_page_bytes();

class memory {
 public:
  memory() = default;
  memory(const memory&) = delete;
  memory& operator=(const memory&) = delete;
  virtual ~memory() = default;

  // Fills in all bytes; false: some of them cannot be read.
  virtual bool read(std::uint64_t address, void* to, std::size_t bytes) const = 0;
  // Fills in of each page of [start, end) whether it is resident; false: that is not known, as of core dumps.
  virtual bool resident(std::uint64_t start, std::uint64_t end, std::vector<bool>& pages) const = 0;
};

// Reads without stopping the process, which goes on meanwhile.
class process_memory : public memory {
 public:
  explicit process_memory(pid_t pid);
  bool read(std::uint64_t address, void* to, std::size_t bytes) const override;
  bool resident(std::uint64_t start, std::uint64_t end, std::vector<bool>& pages) const override;

 private:
  pid_t pid_;
  descriptor pagemap_;
};

// A stretch of a core dump's memory, and where its file has it.
struct segment {
  std::uint64_t start;
  std::uint64_t bytes;  // that the file has
  std::uint64_t offset;
};

class core_memory : public memory {
 public:
  core_memory(descriptor file, std::vector<segment> segments)
      : file_(std::move(file)), segments_(std::move(segments)) {}
  bool read(std::uint64_t address, void* to, std::size_t bytes) const override;
  bool resident(std::uint64_t, std::uint64_t, std::vector<bool>&) const override { return false; }

 private:
  descriptor file_;
  std::vector<segment> segments_;  // by start
};

}  // namespace strata::cli::map
