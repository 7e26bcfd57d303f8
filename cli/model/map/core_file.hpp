// The mappings of a core dump, by the kernel or gdb, and its memory.
#pragma once

#include <memory>
#include <string>

#include "cli/model/map/mapping.hpp"
#include "cli/model/map/memory.hpp"

namespace strata::cli::map {

// Null: error says why. Which file each mapping has comes from the note NT_FILE.
std::unique_ptr<memory> read_core(const std::string& path, address_space& into, std::string& error);

}  // namespace strata::cli::map
