// What is replayed: the operations of one process of a recording. They are read from the file anew for
// each replay, so that memory is bounded by the live blocks; up to most_kept of them are kept.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/model/replay/translator.hpp"

namespace strata::cli::replay {

struct trace_facts {
  std::uint64_t operations = 0;
  std::uint64_t allocations = 0;
  std::uint64_t frees = 0;
  std::uint64_t resizes = 0;
  std::uint64_t unknown_frees = 0;
  std::uint64_t peak_bytes = 0;  // asked for, of all live blocks
  std::uint64_t end_bytes = 0;
  std::uint64_t most_blocks = 0;  // live at once
  std::uint64_t longest_bytes = 0;
};

class trace {
 public:
  static constexpr std::size_t batch_operations = 4096;
  static constexpr std::size_t most_kept = std::size_t{4} << 20;

  using translator_maker = std::function<std::unique_ptr<event_translator>()>;

  // Of the process with this number; a translator is made for each time that the file is read.
  trace(std::string path, std::uint32_t process, translator_maker make = make_plain);
  // Of operations that are at hand.
  explicit trace(std::vector<operation> operations);

  const trace_facts& facts() const { return facts_; }
  bool is_kept() const { return is_kept_; }
  // Calls visit with all operations in their order, some at a time, until it returns false.
  void each_batch(const std::function<bool(std::span<const operation>)>& visit) const;

 private:
  static std::unique_ptr<event_translator> make_plain() { return std::make_unique<translator>(); }
  void read(const std::function<bool(std::span<const operation>)>& visit,
            std::uint64_t& unknown_frees) const;

  std::string path_;
  std::uint32_t process_ = 0;
  translator_maker make_;
  bool is_kept_ = true;
  std::vector<operation> kept_;
  trace_facts facts_;
};

}  // namespace strata::cli::replay
