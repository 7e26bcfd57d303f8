#include "cli/model/library.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/model/executable.hpp"
#include "cli/model/file.hpp"

namespace strata::cli {
namespace {

// Library directories relative to a prefix, as distributions lay them out. Those of other machines
// do no harm: libraries in them are not taken for ours.
constexpr std::array library_directories = {"lib", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu",
                                            "lib64"};

// Allocators with the file names they are known by, best first.
struct known_allocator {
  const char* name;
  std::array<const char*, 2> files;
};
constexpr std::array known_allocators = {
    known_allocator{"jemalloc", {"libjemalloc.so.2", "libjemalloc.so"}},
    known_allocator{"tcmalloc", {"libtcmalloc_minimal.so.4", "libtcmalloc.so.4"}},
    known_allocator{"mimalloc", {"libmimalloc.so.2", "libmimalloc.so"}},
};

// Can the loader open this file? Empty: yes; otherwise why not.
std::string why_no_library(const std::string& path) {
  const descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::strerror(errno);
  if (read_elf(file.get()).fits != elf_facts::fit::native) {
    return "is not a shared library for this machine";
  }
  return {};
}

std::string find_in_prefixes(const std::vector<std::string>& prefixes, const char* file) {
  for (const std::string& prefix : prefixes) {
    for (const char* directory : library_directories) {
      std::string path = prefix + "/" + directory + "/" + file;
      if (why_no_preload_library(path).empty()) return path;
    }
  }
  return {};
}

// variable: of the environment, where it may be named.
std::string find_own_library(const char* variable, const char* file, std::string& why) {
  const char* named = std::getenv(variable);
  if (named != nullptr && *named != '\0') {
    std::error_code ignored;
    std::string path = std::filesystem::absolute(named, ignored).string();
    why = why_no_preload_library(path);
    if (why.empty()) return path;
    why = std::string(variable) + "=" + path + ": " + why;
    return {};
  }
  const std::string prefix = own_prefix();
  std::string path = find_in_prefixes({prefix}, file);
  if (path.empty()) {
    why = std::string(file) + " is not in " + prefix + "/lib; set " + variable + " to its path";
  }
  return path;
}

}  // namespace

std::string own_prefix() {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  return failed ? std::string() : self.parent_path().parent_path().string();
}

std::string find_strata_library(std::string& why) {
  return find_own_library("STRATA_LIBRARY", "libstrata.so", why);
}

std::string find_recorder_library(std::string& why) {
  return find_own_library("STRATA_RECORDER", "libstrata_record.so", why);
}

std::string find_router_library(std::string& why) {
  return find_own_library("STRATA_ROUTER", "libstrata_route.so", why);
}

std::string find_server_library(std::string& why) {
  constexpr const char* file = "libstrata_serve.so";
  const std::string prefix = own_prefix();
  for (const char* directory : library_directories) {
    std::string path = prefix + "/" + directory + "/" + file;
    if (why_no_library(path).empty()) return path;
  }
  why = std::string(file) + " is not in " + prefix + "/lib";
  return {};
}

std::vector<allocator_choice> find_other_allocators() {
  std::vector<allocator_choice> found;
  for (const known_allocator& known : known_allocators) {
    for (const char* file : known.files) {
      const std::string path = find_in_prefixes({"/usr/local", "/usr", ""}, file);
      if (path.empty()) continue;
      found.push_back({known.name, path});
      break;
    }
  }
  return found;
}

std::string why_no_preload_library(const std::string& path) {
  if (path.find_first_of(" :") != std::string::npos) {
    return "LD_PRELOAD cannot name a path with a space or a colon";
  }
  return why_no_library(path);
}

}  // namespace strata::cli
