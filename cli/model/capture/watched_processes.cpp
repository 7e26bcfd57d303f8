#include "cli/model/capture/watched_processes.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "cli/model/capture/symbols.hpp"
#include "cli/model/map/process.hpp"

namespace strata::cli::capture {
namespace {

std::string in_proc(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

}  // namespace

bool watched_process::knows(std::uint64_t address) const {
  auto above = code.upper_bound(address);
  return above != code.begin() && address < std::prev(above)->second.end();
}

process read_process(const watched_process& one, std::uint64_t time_ms) {
  process made;
  made.number = one.number;
  made.pid = static_cast<std::uint32_t>(one.pid);
  made.parent = one.slot->parent;
  made.time_ms = time_ms;
  std::error_code ignored;
  made.executable = std::filesystem::read_symlink(in_proc(one.pid, "exe"), ignored).string();
  std::string line;
  map::read_text(in_proc(one.pid, "cmdline"), line);
  for (std::size_t at = 0; at < line.size();) {
    made.command.emplace_back(line.c_str() + at);
    at += made.command.back().size() + 1;
  }
  return made;
}

std::vector<mapping> read_code(watched_process& one,
                               std::map<std::string, std::string>& build_ids) {
  std::string text;
  map::address_space space;
  std::vector<mapping> fresh;
  if (!map::read_text(in_proc(one.pid, "maps"), text) ||
      !map::parse_mappings(text, space).empty()) {
    return fresh;
  }
  for (const map::mapping& found : space.mappings) {
    if (!found.is_executable() || found.path.empty()) continue;
    const auto known = one.code.find(found.start);
    if (known != one.code.end() && known->second.path == found.path &&
        known->second.end() == found.end) {
      continue;
    }
    const auto [id, is_new] = build_ids.try_emplace(found.path);
    if (is_new && found.path.starts_with("/")) id->second = build_id_of(found.path);
    fresh.push_back(
        {one.number, found.start, found.end - found.start, found.offset, found.path, id->second});
    one.code[found.start] = fresh.back();
  }
  return fresh;
}

std::uint64_t read_resident(pid_t pid) {
  static const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::string text;
  if (!map::read_text(in_proc(pid, "statm"), text)) return 0;
  const std::size_t second = text.find(' ');
  return second == std::string::npos ? 0 : std::strtoull(text.c_str() + second, nullptr, 10) * page;
}

bool is_running(pid_t pid) {
  if (kill(pid, 0) != 0 && errno == ESRCH) return false;
  std::string text;
  if (!map::read_text(in_proc(pid, "stat"), text)) return false;
  const std::size_t name_ends = text.rfind(')');  // PID (name) STATE PARENT ...
  if (name_ends == std::string::npos || text.compare(name_ends, 3, ") Z") != 0) return true;
  return std::strtol(text.c_str() + name_ends + 3, nullptr, 10) == getpid();
}

}  // namespace strata::cli::capture
