#include "cli/verbs/replay_setup.hpp"

#include <filesystem>

#include "cli/model/library.hpp"

namespace strata::cli {

replay::replay_options replay_setup(int limit_s) {
  replay::replay_options made;
  made.limit_ns = static_cast<std::uint64_t>(limit_s) * 1'000'000'000;
  std::error_code failed;
  made.program = std::filesystem::read_symlink("/proc/self/exe", failed).string();
  made.strata_library = find_strata_library(made.why_no_strata);
  return made;
}

}  // namespace strata::cli
