// Finds a program as a shell would and tells, before it is started, whether a preloaded library can
// reach it. The loader only preloads into programs that it loads itself: dynamic, for this machine,
// for this libc, and without privileges gained at start.
#pragma once

#include <optional>
#include <string>
#include <variant>

namespace strata::cli {

// Why a program is not started, with the exit status that a shell gives for it.
struct refusal {
  int status;          // 127: not found; 126: found but of no use
  std::string reason;  // follows "strata: NAME: "
};

// Where the program is: a name with a slash is a path, any other is looked up in search_path
// (directories with colons between them, an empty one being the working directory).
std::variant<std::string, refusal> find_program(const std::string& name,
                                                const std::string& search_path);

// Why nothing can be preloaded into the program at path; nothing when it can. Scripts are judged
// by their interpreter.
std::optional<refusal> why_not_preloadable(const std::string& path);

// What an ELF header says.
struct elf_facts {
  enum class fit { not_elf, damaged, foreign, native };
  fit fits = fit::not_elf;
  std::string built_for;    // "64-bit x86-64"; for foreign files
  std::string interpreter;  // the loader that the file asks for; empty: none, it is static
};
elf_facts read_elf(int file);

// The sanitizer that the program at path is built with, if it is one that brings a malloc of its own:
// "AddressSanitizer"; otherwise empty. Of a script: its interpreter's.
std::string sanitizer_in(const std::string& path);

// The interpreter named by a first line of the form "#!/bin/sh -e"; empty when there is none.
std::string script_interpreter(const std::string& first_bytes);

}  // namespace strata::cli
