#include "cli/model/map/process.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <filesystem>

#include "cli/model/file.hpp"

namespace strata::cli::map {
namespace {

std::string proc(pid_t pid, const std::string& name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

std::string link_target(const std::string& path) {
  std::array<char, PATH_MAX> target;
  const ssize_t length = readlink(path.c_str(), target.data(), target.size());
  return length < 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(length));
}

// The letter behind the name, which may hold brackets itself: "12 (a) b) S 1 ..."
char state_of(pid_t pid) {
  std::string text;
  if (!read_text(proc(pid, "stat"), text)) return '?';
  const auto name_end = text.rfind(')');
  return name_end != std::string::npos && name_end + 2 < text.size() ? text[name_end + 2] : '?';
}

std::string why_unreadable(pid_t pid, int error) {
  const std::string number = std::to_string(pid);
  if (error == ENOENT || error == ESRCH) return "no process has the number " + number;
  if (error == EACCES || error == EPERM)
    return "process " + number + " may not be read: no permission";
  return "process " + number + ": " + std::strerror(error);
}

std::string why_empty(pid_t pid) {
  const std::string number = std::to_string(pid);
  if (state_of(pid) == 'Z') return "process " + number + " has ended: it has no memory any more";
  return "process " + number + " belongs to the kernel: it has no address space";
}

// The stack pointer of a thread that waits in a system call; 0: it runs, or we may not know.
std::uint64_t stack_pointer(const std::string& task) {
  std::string text;  // number, six arguments, stack pointer, program counter; or "running"
  if (!read_text(task + "/syscall", text)) return 0;
  const auto last = text.rfind(' ');
  if (last == std::string::npos || last == 0) return 0;
  const auto before = text.rfind(' ', last - 1);
  if (before == std::string::npos || text.compare(before + 1, 2, "0x") != 0) return 0;
  std::uint64_t value = 0;
  std::from_chars(text.data() + before + 3, text.data() + last, value, 16);
  return value;
}

void name_stacks(pid_t pid, address_space& all) {
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(proc(pid, "task"), error)) {
    const std::uint64_t pointer = stack_pointer(task.path().string());
    const mapping* found = pointer == 0 ? nullptr : find(all, pointer);
    if (found == nullptr || found->what != purpose::anonymous) continue;
    std::string name;
    read_text(task.path().string() + "/comm", name);
    if (name.ends_with('\n')) name.pop_back();
    mapping& stack = all.mappings[static_cast<std::size_t>(found - all.mappings.data())];
    stack.what = purpose::stack;
    stack.label = "stack of thread " + task.path().filename().string() + " (" + name + ")";
  }
}

}  // namespace

bool read_text(const std::string& path, std::string& text) {
  const descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t size = read(file.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return size == 0;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

std::string read_process(pid_t pid, address_space& into) {
  into.source = "process " + std::to_string(pid);
  into.program = link_target(proc(pid, "exe"));
  std::string error;
  // The kernel writes page by page, while the process may change its mappings: then once more.
  constexpr int tries = 5;
  for (int i = 0; i < tries; ++i) {
    std::string text;
    if (!read_text(proc(pid, "smaps"), text)) return why_unreadable(pid, errno);
    if (text.empty()) return why_empty(pid);
    into.mappings.clear();
    error = parse_mappings(text, into);
    if (error.empty()) break;
  }
  if (!error.empty()) return proc(pid, "smaps") + ": " + error;
  classify(into);
  name_stacks(pid, into);
  return {};
}

}  // namespace strata::cli::map
