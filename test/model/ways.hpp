// The interface functions by which a block begins, changes its size and ends.
#pragma once

#include "block.hpp"

struct strata_heap;

namespace model {

// A new block, unfilled, by a randomly chosen function. Checks that the result is not null, its
// alignment, its usable size and calloc's zeros.
block make_block(random_source& random, size_t size);
block make_heap_block(random_source& random, strata_heap* heap, size_t size);

// Checks of a block that an allocating function has just handed out; sets claimed.
void check_new_block(block& made);

// The same block with another size, by a randomly chosen function; made.size becomes size. Does
// not look at the contents.
void resize_block(random_source& random, block& made, size_t size);
void resize_heap_block(strata_heap* heap, block& made, size_t size);

// Gives the block to a randomly chosen function among those that may free it.
void end_block(random_source& random, const block& made);

}  // namespace model
