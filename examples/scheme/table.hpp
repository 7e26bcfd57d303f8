// Hash tables: open addressing, linear probing.
//
//   entries | key value | null null | key value | tombstone null | ...      a power of two of them
//
// Numbers, characters, symbols and, where contents count, strings, pairs and vectors are hashed by what they
// are; everything else by the identity hash that the heap gives it, which stays when it moves.
#pragma once

#include "machine.hpp"

namespace scheme {

enum class compare : std::uint8_t { identity, contents };

gc::unrooted<table> make_table(machine& m, compare how);
value table_get(machine& m, table& in, value key, value otherwise);
void table_put(machine& m, const local<table>& in, value key, value to);
void table_remove(machine& m, table& in, value key);

bool is_tombstone(value key);

// eqv? and equal?.
bool are_same(value a, value b);
bool are_equal(machine& m, value a, value b);
std::uint64_t hash_of_text(std::string_view text);

}  // namespace scheme
