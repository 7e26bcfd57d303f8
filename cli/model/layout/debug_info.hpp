// Opens the DWARF of a program, library, object file or archive. Debug information that was split off
// is found as debuggers find it: by build-id below /usr/lib/debug, by .gnu_debuglink beside the file,
// in .dwo and .dwp files.
#pragma once

#include <elfutils/libdwfl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace strata::cli::layout {

class debug_info {
 public:
  // Opens the file; error() says what is wrong with it.
  explicit debug_info(const std::string& path);
  debug_info(const debug_info&) = delete;
  debug_info& operator=(const debug_info&) = delete;
  ~debug_info();

  // Empty: parts() has something. Does not name the file.
  const std::string& error() const { return error_; }
  // One for a program or library, one a member for an archive. Valid as long as this is.
  const std::vector<Dwarf*>& parts() const { return parts_; }
  // The ELF machine that the code is for.
  int machine() const { return machine_; }
  // The address of a symbol before the file is loaded anywhere; nothing: it has no such symbol.
  std::optional<std::uint64_t> symbol(const std::string& name) const;
  // The page at which the file's first loaded byte stands before it is loaded anywhere.
  std::uint64_t first_page() const { return first_page_; }

 private:
  static int add_module(Dwfl_Module* module, void**, const char*, Dwarf_Addr, void* self);

  Dwfl* session_ = nullptr;
  std::string error_;
  std::vector<Dwarf*> parts_;
  int machine_ = 0;
  std::uint64_t first_page_ = 0;
  std::vector<Dwfl_Module*> modules_;
};

}  // namespace strata::cli::layout
