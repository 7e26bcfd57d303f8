// Vectors, hash tables, records, promises, and predicates of what is left.
#include <algorithm>

#include "builtins.hpp"
#include "table.hpp"

namespace scheme {
namespace {

vector& expect_vector(machine& m, value v) { return expect<vector>(m, v, "expects a vector"); }
table& expect_table(machine& m, value v) { return expect<table>(m, v, "expects a hash table"); }

value make_vector(machine& m, arguments args) {
  std::size_t length =
      expect_index(m, args[0], std::size_t{1} << 40, "make-vector: expects a length");
  local<vector> made = m.self().make<vector>(length);
  value fill = args.count > 1 ? args[1] : unspecified;
  for (ref<value>& each : *made) each = fill;
  return made;
}
value vector_of(machine& m, arguments args) {
  local<vector> made = m.self().make<vector>(args.count);
  for (std::size_t at = 0; at < args.count; ++at) (*made)[at] = args[at];
  return made;
}
value vector_length(machine& m, arguments args) {
  return fixnum(static_cast<std::int64_t>(expect_vector(m, args[0]).size()));
}
value vector_ref(machine& m, arguments args) {
  vector& from = expect_vector(m, args[0]);
  return from[expect_index(m, args[1], from.size(), "vector-ref: no such index")];
}
value vector_set(machine& m, arguments args) {
  vector& to = expect_vector(m, args[0]);
  to[expect_index(m, args[1], to.size(), "vector-set!: no such index")] = args[2];
  return unspecified;
}
value vector_to_list(machine& m, arguments args) {
  range part =
      expect_range(m, args, 1, expect_vector(m, args[0]).size(), "vector->list: no such index");
  local<value> made{m.self(), nil};
  for (std::size_t at = part.to; at > part.from; --at)
    made = m.cons((*args[0].as<vector>())[at - 1], made);
  return made;
}
value list_to_vector(machine& m, arguments args) {
  local<vector> made =
      m.self().make<vector>(expect_length(m, args[0], "list->vector: expects a list"));
  std::size_t at = 0;
  for (value each = args[0]; each.is<pair>(); each = cdr(each)) (*made)[at++] = car(each);
  return made;
}
value vector_fill(machine& m, arguments args) {
  for (ref<value>& each : expect_vector(m, args[0])) each = args[1];
  return unspecified;
}
value vector_copy(machine& m, arguments args) {
  range part =
      expect_range(m, args, 1, expect_vector(m, args[0]).size(), "vector-copy: no such index");
  local<vector> made = m.self().make<vector>(part.to - part.from);
  for (std::size_t at = part.from; at < part.to; ++at)
    (*made)[at - part.from] = (*args[0].as<vector>())[at];
  return made;
}

// ---- Hash tables

value make_table_of(machine& m, arguments) { return make_table(m, compare::contents); }
value make_identity_table(machine& m, arguments) { return make_table(m, compare::identity); }
value table_ref(machine& m, arguments args) {
  return table_get(m, expect_table(m, args[0]), args[1], args.count > 2 ? args[2] : no);
}
value table_set(machine& m, arguments args) {
  static_cast<void>(expect_table(m, args[0]));
  local<table> to{m.self(), args[0].as<table>()};
  table_put(m, to, args[1], args[2]);
  return unspecified;
}
value table_delete(machine& m, arguments args) {
  table_remove(m, expect_table(m, args[0]), args[1]);
  return unspecified;
}
value table_count(machine& m, arguments args) {
  return fixnum(static_cast<std::int64_t>(expect_table(m, args[0]).count));
}
// A list of (key . value).
value table_to_list(machine& m, arguments args) {
  static_cast<void>(expect_table(m, args[0]));
  local<value> made{m.self(), nil};
  std::size_t size = args[0].as<table>()->entries->size();
  for (std::size_t at = 0; at < size; at += 2) {
    vector& entries = *args[0].as<table>()->entries;
    if (entries[at].get().is_null() || is_tombstone(entries[at])) continue;
    local<value> entry{m.self(), m.cons(entries[at], entries[at + 1])};
    made = m.cons(entry, made);
  }
  return made;
}

// ---- Records: (record type field ...), where the type is a record, too

value make_record(machine& m, arguments args) {
  local<record> made = m.self().make<record>(args.count);
  for (std::size_t at = 0; at < args.count; ++at) (*made)[at] = args[at];
  return made;
}
value is_record_of(machine&, arguments args) {
  return boolean(args[0].is<record>() && (*args[0].as<record>())[0].get() == args[1]);
}
record& expect_record(machine& m, arguments args) {
  if (!is_true(is_record_of(m, args))) m.fail("a record of another type", args[0]);
  return *args[0].as<record>();
}
value record_ref(machine& m, arguments args) {
  record& from = expect_record(m, args);
  return from[expect_index(m, args[2], from.size(), "no such field")];
}
value record_set(machine& m, arguments args) {
  record& to = expect_record(m, args);
  to[expect_index(m, args[2], to.size(), "no such field")] = args[3];
  return unspecified;
}

// ---- Promises

value make_promise_of(machine& m, arguments args) {
  return value(m.self().make<promise>(args[0], false));
}
value make_promise(machine& m, arguments args) {
  if (args[0].is<promise>()) return args[0];
  return value(m.self().make<promise>(args[0], true));
}
promise& expect_promise(machine& m, value v) { return expect<promise>(m, v, "expects a promise"); }
value is_promise_done(machine& m, arguments args) {
  return boolean(expect_promise(m, args[0]).is_done);
}
value promise_content(machine& m, arguments args) { return expect_promise(m, args[0]).content; }
// The first value stays: computing it may have forced the promise already.
value finish_promise(machine& m, arguments args) {
  promise& to = expect_promise(m, args[0]);
  if (!to.is_done) {
    to.content = args[1];
    to.is_done = true;
  }
  return to.content;
}

}  // namespace

void define_data_builtins(machine& m) {
  constexpr std::uint32_t any = machine::any_number;
  m.define(
      "vector?", [](machine&, arguments args) { return boolean(args[0].is<vector>()); }, 1, 1);
  m.define("make-vector", make_vector, 1, 2);
  m.define("vector", vector_of, 0, any);
  m.define("vector-length", vector_length, 1, 1);
  m.define("vector-ref", vector_ref, 2, 2);
  m.define("vector-set!", vector_set, 3, 3);
  m.define("vector->list", vector_to_list, 1, 3);
  m.define("list->vector", list_to_vector, 1, 1);
  m.define("vector-fill!", vector_fill, 2, 2);
  m.define("vector-copy", vector_copy, 1, 3);

  m.define(
      "hash-table?", [](machine&, arguments args) { return boolean(args[0].is<table>()); }, 1, 1);
  m.define("make-hash-table", make_table_of, 0, 0);
  m.define("make-eqv-hash-table", make_identity_table, 0, 0);
  m.define("hash-table-ref", table_ref, 2, 3);
  m.define("hash-table-set!", table_set, 3, 3);
  m.define("hash-table-delete!", table_delete, 2, 2);
  m.define("hash-table-count", table_count, 1, 1);
  m.define("hash-table->alist", table_to_list, 1, 1);

  m.define("%record", make_record, 1, any);
  m.define("%record?", is_record_of, 2, 2);
  m.define("%record-ref", record_ref, 3, 3);
  m.define("%record-set!", record_set, 4, 4);

  m.define(
      "promise?", [](machine&, arguments args) { return boolean(args[0].is<promise>()); }, 1, 1);
  m.define("make-promise", make_promise, 1, 1);
  m.define("make-promise-of", make_promise_of, 1, 1);
  m.define("%promise-done?", is_promise_done, 1, 1);
  m.define("%promise-content", promise_content, 1, 1);
  m.define("%finish-promise!", finish_promise, 2, 2);

  m.define(
      "boolean?", [](machine&, arguments args) { return boolean(args[0] == yes || args[0] == no); },
      1, 1);
  m.define(
      "not", [](machine&, arguments args) { return boolean(args[0] == no); }, 1, 1);
  m.define(
      "procedure?", [](machine&, arguments args) { return boolean(is_procedure(args[0])); }, 1, 1);
}

}  // namespace scheme
