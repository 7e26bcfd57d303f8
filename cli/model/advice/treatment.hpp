// What a recording would be had advice been taken at one site: events go in, and the operations that are
// left come out. Replaying them tells what the advice saves.
//
//   on_stack   temporary blocks of the site come from the stack: neither their allocation nor their
//              free is left
//   reserved   no block of the site is made longer, as if it had room enough at once: what did so is left
//              out (the block keeps its first length, so that nothing can be said of memory)
//   in_arena, in_pool   all blocks of the site come from one bump, or from pools
//   smaller    blocks have the size that they would have if a type's fields were ordered better
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "cli/model/advice/padding.hpp"
#include "cli/model/replay/translator.hpp"

namespace strata::cli::advice {

enum class treatment { on_stack, reserved, in_arena, in_pool };

// of_node: the site of each node; outlives what is made.
std::unique_ptr<replay::event_translator> treated(treatment how, std::uint32_t site,
                                                  const std::vector<std::uint32_t>& of_node);
// Of each node; outlives what is made.
std::unique_ptr<replay::event_translator> made_smaller(const std::vector<smaller_unit>& of_node);

}  // namespace strata::cli::advice
