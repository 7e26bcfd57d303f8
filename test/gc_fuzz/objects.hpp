// What the fuzzer's programs allocate: each kind of object that the heap tells apart, all beginning alike.
//
//   node | kind, id | seal | then by kind:
//     leaf      nothing                            masked, small
//     pair      2 references
//     quad      4 references, a plain word
//     wide      70 references                      a map of offsets
//     row       an array of references             tiny to large
//     table     an array of structs
//     bytes     an array of plain data
//     values    3 gc::values
//     stack     an array of gc::values
//     text      an interned string
//     weakling  a weak reference
//     pairing   an ephemeron
//     buffer    direct memory
//     loaded    references of a type made at run time, every other word
//
// id: of the shadow; seal: a number that no other object has. Access says what references lead to: the
// objects themselves or their handles.
#pragma once

#include <cstdint>
#include <strata/gc.hpp>

namespace gc_fuzz {

namespace gc = strata::gc;

enum class kind : std::uint32_t {
  leaf,
  pair,
  quad,
  wide,
  row,
  table,
  bytes,
  values,
  stack,
  text,
  weakling,
  pairing,
  buffer,
  loaded,
};

struct node {
  std::uint32_t kind = 0;
  std::uint32_t id = 0;
  std::uint64_t seal = 0;
};

template <class E>
struct pair : node {
  gc::ref<E> first, second;
};
template <class E>
struct quad : node {
  gc::ref<E> of[4];
  std::uint64_t tail = 0;
};
template <class E>
struct wide : node {
  gc::ref<E> of[70];
};
template <class E>
struct row : node {
  gc::ref<gc::array<gc::ref<E>>> elements;
};
template <class E>
struct cell {
  std::uint64_t tag = 0;
  gc::ref<E> to;
};
template <class E>
struct table : node {
  gc::ref<gc::array<cell<E>>> elements;
};
struct bytes : node {
  gc::ref<gc::array<std::uint8_t>> elements;
};
struct values : node {
  gc::ref<gc::value> of[3];
};
struct stack : node {
  gc::ref<gc::array<gc::ref<gc::value>>> elements;
};
struct text : node {
  gc::ref<gc::array<char>> characters;
};
template <class E>
struct weakling : node {
  gc::ref<gc::weak<E>> to;
};
template <class E>
struct pairing : node {
  gc::ref<gc::ephemeron<E, E>> both;
};
struct buffer : node {
  gc::ref<gc::direct_buffer> memory;
};
// A field of a loaded object, and the plain word before it.
template <class E>
struct loaded_field {
  std::uint64_t plain;
  gc::ref<E> to;
};

// References lead to objects.
struct direct_access {
  using entity = node;
  static node* object_of(node* entity) { return entity; }
  template <class T>
  static gc::unrooted<node> enter(gc::mutator& self, gc::unrooted<T>&& made) {
    return {self, std::move(made).get()};
  }
};

// References lead to handles.
struct handle_access {
  using entity = gc::handle<node>;
  static node* object_of(entity* of) { return of->object.get(); }
  template <class T>
  static gc::unrooted<entity> enter(gc::mutator& self, gc::unrooted<T>&& made) {
    gc::local<node> object = std::move(made);
    return self.make<entity>(object);
  }
};

}  // namespace gc_fuzz

template <class E>
struct strata::gc::fields<gc_fuzz::pair<E>>
    : list<&gc_fuzz::pair<E>::first, &gc_fuzz::pair<E>::second> {};
template <class E>
struct strata::gc::fields<gc_fuzz::quad<E>> : list<&gc_fuzz::quad<E>::of> {};
template <class E>
struct strata::gc::fields<gc_fuzz::wide<E>> : list<&gc_fuzz::wide<E>::of> {};
template <class E>
struct strata::gc::fields<gc_fuzz::row<E>> : list<&gc_fuzz::row<E>::elements> {};
template <class E>
struct strata::gc::fields<gc_fuzz::table<E>> : list<&gc_fuzz::table<E>::elements> {};
template <>
struct strata::gc::fields<gc_fuzz::bytes> : list<&gc_fuzz::bytes::elements> {};
template <>
struct strata::gc::fields<gc_fuzz::values> : list<&gc_fuzz::values::of> {};
template <>
struct strata::gc::fields<gc_fuzz::stack> : list<&gc_fuzz::stack::elements> {};
template <>
struct strata::gc::fields<gc_fuzz::text> : list<&gc_fuzz::text::characters> {};
template <class E>
struct strata::gc::fields<gc_fuzz::weakling<E>> : list<&gc_fuzz::weakling<E>::to> {};
template <class E>
struct strata::gc::fields<gc_fuzz::pairing<E>> : list<&gc_fuzz::pairing<E>::both> {};
template <>
struct strata::gc::fields<gc_fuzz::buffer> : list<&gc_fuzz::buffer::memory> {};
