#include "table.hpp"

#include <bit>

namespace scheme {
namespace {

// A key that was removed.
constexpr value tombstone = special(100);
constexpr std::size_t least_entries = 8;

std::uint64_t mixed(std::uint64_t bits) {
  bits ^= bits >> 32;
  bits *= 0x9E3779B97F4A7C15U;
  return bits ^ bits >> 29;
}

class hasher {
 public:
  hasher(gc::mutator& self, const table& in) : self_(self), by_contents_(in.compares_contents) {}

  std::uint64_t of(value v, int depth = 4) {
    if (v.is_immediate()) return mixed(v.word());
    if (v.is<symbol>()) return v.as<symbol>()->hash;
    if (v.is<flonum>()) {
      double number = v.as<flonum>()->number;
      return mixed(std::bit_cast<std::uint64_t>(number == 0 ? 0.0 : number));
    }
    if (by_contents_) {
      if (v.is<string>()) return hash_of_text(text_of(*v.as<string>()));
      if (v.is<pair>()) {
        if (depth == 0) return 17;
        return mixed(3 * of(car(v), depth - 1) + of(cdr(v), depth - 1));
      }
      if (v.is<vector>()) {
        std::uint64_t hash = v.as<vector>()->size();
        if (depth == 0) return hash;
        for (std::size_t at = 0; at < 4 && at < v.as<vector>()->size(); ++at)
          hash = mixed(3 * hash + of((*v.as<vector>())[at], depth - 1));
        return hash;
      }
    }
    return mixed(gc::identity_hash(self_, v));
  }

 private:
  gc::mutator& self_;
  bool by_contents_;
};

bool matches(machine& m, const table& in, value a, value b) {
  return in.compares_contents ? are_equal(m, a, b) : are_same(a, b);
}

// Where a key that is not there goes.
std::size_t hole_for(vector& entries, std::uint64_t hash) {
  std::size_t mask = entries.size() / 2 - 1;
  std::size_t at = hash & mask;
  while (!entries[2 * at].get().is_null() && entries[2 * at].get() != tombstone)
    at = (at + 1) & mask;
  return at;
}

void fill(machine& m, const table& from, vector& to) {
  vector& entries = *from.entries;
  for (std::size_t at = 0; at < entries.size(); at += 2) {
    value key = entries[at];
    if (key.is_null() || key == tombstone) continue;
    std::size_t hole = hole_for(to, hasher{m.self(), from}.of(key));
    to[2 * hole] = key;
    to[2 * hole + 1] = entries[at + 1];
  }
}

constexpr std::size_t nowhere = ~std::size_t{0};

std::size_t find(machine& m, const table& in, value key) {
  vector& entries = *in.entries;
  std::size_t mask = entries.size() / 2 - 1;
  std::size_t at = hasher{m.self(), in}.of(key) & mask;
  for (;; at = (at + 1) & mask) {
    value there = entries[2 * at];
    if (there.is_null()) return nowhere;
    if (there != tombstone && matches(m, in, there, key)) return at;
  }
}

}  // namespace

bool is_tombstone(value key) { return key == tombstone; }

std::uint64_t hash_of_text(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return mixed(hash);
}

gc::unrooted<table> make_table(machine& m, compare how) {
  local<vector> entries = m.self().make<vector>(2 * least_entries);
  local<table> made = m.self().make<table>(entries);
  made->compares_contents = how == compare::contents;
  return made;
}

value table_get(machine& m, table& in, value key, value otherwise) {
  std::size_t at = find(m, in, key);
  return at == nowhere ? otherwise : (*in.entries)[2 * at + 1].get();
}

void table_put(machine& m, const local<table>& in, value key, value to) {
  std::size_t at = find(m, *in, key);
  if (at != nowhere) {
    (*in->entries)[2 * at + 1] = to;
    return;
  }
  if (4 * (in->used + 1) > 3 * (in->entries->size() / 2)) {
    local<value> kept_key{m.self(), key}, kept_to{m.self(), to};
    std::size_t size = least_entries;
    while (size < 4 * (in->count + 1)) size *= 2;
    local<vector> more = m.self().make<vector>(2 * size);
    fill(m, *in, *more);
    in->entries = more;
    in->used = in->count;
    key = kept_key;
    to = kept_to;
  }
  vector& entries = *in->entries;
  std::size_t hole = hole_for(entries, hasher{m.self(), *in}.of(key));
  if (entries[2 * hole].get().is_null()) ++in->used;
  ++in->count;
  entries[2 * hole] = key;
  entries[2 * hole + 1] = to;
}

void table_remove(machine& m, table& in, value key) {
  std::size_t at = find(m, in, key);
  if (at == nowhere) return;
  (*in.entries)[2 * at] = tombstone;
  (*in.entries)[2 * at + 1] = value{};
  --in.count;
}

bool are_same(value a, value b) {
  if (a == b) return true;
  return a.is<flonum>() && b.is<flonum>() && a.as<flonum>()->number == b.as<flonum>()->number;
}

bool are_equal(machine& m, value a, value b) {
  m.self().check_depth();
  for (;;) {
    if (are_same(a, b)) return true;
    if (a.is<pair>() && b.is<pair>()) {
      if (!are_equal(m, car(a), car(b))) return false;
      a = cdr(a);
      b = cdr(b);
      continue;
    }
    if (a.is<string>())
      return b.is<string>() && text_of(*a.as<string>()) == text_of(*b.as<string>());
    if (!a.is<vector>() || !b.is<vector>()) return false;
    vector& left = *a.as<vector>();
    vector& right = *b.as<vector>();
    if (left.size() != right.size()) return false;
    for (std::size_t at = 0; at < left.size(); ++at)
      if (!are_equal(m, left[at], right[at])) return false;
    return true;
  }
}

}  // namespace scheme
