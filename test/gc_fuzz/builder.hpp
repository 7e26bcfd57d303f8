// New objects of a random program, of every kind, and the types that some are of.
#pragma once

#include <memory>
#include <span>

#include "graph.hpp"
#include "world.hpp"

namespace gc_fuzz {

template <class A, class Roots>
class builder : public graph<A, Roots> {
  using base = graph<A, Roots>;
  using E = typename A::entity;

 public:
  builder(world<A>& in, std::uint64_t seed) : base(in.heap, seed, in.how.most_objects), in_(in) {
    for (kit& each : kits_) each.mirror = std::make_unique<gc::global<gc::loader>>(in.heap);
  }

 protected:
  using base::self_, base::shadows_, base::roots_, base::words_, base::next, base::set_root,
      base::id_at, base::entity_at, base::set_field;

  [[nodiscard]] gc::mutator& self() const { return *self_; }
  template <class T, class... Args>
  gc::unrooted<T> create(Args&&... args) {
    return self_->template make<T>(std::forward<Args>(args)...);
  }
  // A number below that one, out of this operation's bits.
  std::size_t draw(std::size_t below) {
    std::size_t drawn = bits_ % below;
    bits_ /= below;
    return drawn;
  }
  std::size_t root() { return draw(Roots::count); }
  bool one_in(std::uint64_t many) { return next() % many == 0; }
  gc::local<E> local_at(std::size_t root) { return gc::local<E>{self(), entity_at(root)}; }
  word reference_at(std::size_t root) { return reference_to(id_at(root)); }

  // ---- New objects

  // build(node head, shadow&) -> unrooted<a kind of node>
  template <class Build>
  std::uint32_t make(kind what, std::uint32_t count, Build build) {
    this->make_room();
    std::size_t to = root();
    std::uint32_t id = shadows_.take(what, count, next());
    shadow& of = shadows_[id];
    try {
      gc::local<E> made =
          A::enter(self(), build(node{static_cast<std::uint32_t>(what), id, of.seal}, of));
      set_root(to, gc::value(made.get()), reference_to(id));
      return id;
    } catch (const gc::out_of_memory&) {
      shadows_.give(id);
      in_.out_of_memory.fetch_add(1, std::memory_order_relaxed);
      return 0;
    }
  }

  void make_leaf() {
    make(kind::leaf, 0, [&](node head, shadow&) { return create<node>(head); });
  }
  void make_pair() {
    std::size_t left = root();
    std::size_t right = root();
    make(kind::pair, 2, [&](node head, shadow& of) {
      of.few[0] = reference_at(left);
      of.few[1] = reference_at(right);
      return create<pair<E>>(head, local_at(left), local_at(right));
    });
  }
  // Fields of a new object, each by a store.
  void fill(node* object, shadow& of, std::size_t step) {
    for (std::size_t at = 0; at < of.count; at += step) {
      std::size_t from = next() % Roots::count;
      set_field(object, of, at, roots_.get(from), words_[from]);
    }
  }
  void make_quad() {
    make(kind::quad, 4, [&](node head, shadow& of) {
      gc::local<quad<E>> made = create<quad<E>>(head);
      made->tail = of.seal;
      fill(made.get(), of, 1);
      return gc::unrooted<quad<E>>(made);
    });
  }
  void make_wide() {
    make(kind::wide, 70, [&](node head, shadow& of) {
      gc::local<wide<E>> made = create<wide<E>>(head);
      fill(made.get(), of, 7);
      return gc::unrooted<wide<E>>(made);
    });
  }
  void make_row_of(std::uint32_t count) {
    make(kind::row, count, [&](node head, shadow& of) {
      using elements = gc::array<gc::ref<E>>;
      const kit& with = kits_[next() % kits_.size()];
      gc::local<elements> part{self()};
      if (*with.mirror && count % 2 == 0)
        part = gc::unrooted<elements>(
            self(), static_cast<elements*>(self().make_of(*with.references, count)));
      else
        part = create<elements>(count);
      gc::local<row<E>> made = create<row<E>>(head, part);
      fill(made.get(), of, 1 + count / 16);
      return gc::unrooted<row<E>>(made);
    });
  }
  void make_row() { make_row_of(static_cast<std::uint32_t>(draw(32))); }
  void make_table_of(std::uint32_t count) {
    make(kind::table, count, [&](node head, shadow& of) {
      gc::local<table<E>> made = create<table<E>>(head);
      made->elements = create<gc::array<cell<E>>>(count);
      for (std::size_t at = 0; at < count; ++at) (*made->elements)[at].tag = of.seal + at;
      fill(made.get(), of, 1 + count / 16);
      return gc::unrooted<table<E>>(made);
    });
  }
  void make_table() { make_table_of(static_cast<std::uint32_t>(draw(16))); }
  void make_bytes_of(std::uint32_t count) {
    make(kind::bytes, 0, [&](node head, shadow& of) {
      gc::local<gc::array<std::uint8_t>> part = create<gc::array<std::uint8_t>>(count);
      for (std::size_t at = 0; at < count; ++at) (*part)[at] = byte_at(of.seal, at);
      of.number = count;
      return create<bytes>(head, part);
    });
  }
  void make_bytes() { make_bytes_of(static_cast<std::uint32_t>(draw(128))); }
  void make_values() {
    make(kind::values, 3, [&](node head, shadow& of) {
      gc::local<values> made = create<values>(head);
      fill(made.get(), of, 1);
      return gc::unrooted<values>(made);
    });
  }
  void make_stack() {
    auto count = static_cast<std::uint32_t>(draw(32));
    make(kind::stack, count, [&](node head, shadow& of) {
      gc::local<stack> made = create<stack>(head);
      made->elements = create<gc::array<gc::ref<gc::value>>>(count);
      fill(made.get(), of, 2);
      return gc::unrooted<stack>(made);
    });
  }
  void make_medium() {
    auto count = static_cast<std::uint32_t>(200 + next() % 3000);
    next() % 2 == 0 ? make_row_of(count) : make_bytes_of(4 * count);
  }
  void make_large() {
    auto count = static_cast<std::uint32_t>(4100 + next() % 11900);
    switch (next() % 3) {
      case 0:
        return make_row_of(count);
      case 1:
        return make_table_of(count / 2);
      default:
        return make_bytes_of(8 * count);
    }
  }
  void make_text() {
    auto key = static_cast<std::uint32_t>(draw(512));
    make(kind::text, 0, [&](node head, shadow& of) {
      of.number = key;
      gc::local<gc::array<char>> characters = in_.texts.intern(self(), text_of(key));
      return create<text>(head, characters);
    });
  }

  // ---- Types made at run time

  void renew_kit() {
    if (!one_in(16)) return;
    static const auto many = [] {
      std::array<gc::field, many_fields> made;
      for (std::uint32_t at = 0; at < many_fields; ++at)
        made[at] = {"to", 24 + 16 * at, gc::field_kind::reference};
      return made;
    }();
    kit& made = kits_[next() % kits_.size()];
    *made.mirror = nullptr;
    try {
      gc::local<gc::loader> mirror = gc::make_loader(self());
      made.few = &gc::define_type(mirror, {.name = "few",
                                           .bytes = 16 + 16 * few_fields,
                                           .fields = std::span{many}.first(few_fields)});
      made.many = &gc::define_type(
          mirror, {.name = "many", .bytes = 16 + 16 * many_fields, .fields = many});
      made.references =
          &gc::define_type(mirror, {.name = "references", .of = gc::elements::references});
      *made.mirror = mirror;
    } catch (const gc::out_of_memory&) {
      in_.out_of_memory.fetch_add(1, std::memory_order_relaxed);
    }
  }
  void make_loaded() {
    const kit& with = kits_[next() % kits_.size()];
    if (!*with.mirror) return;
    bool is_few = next() % 8 != 0;
    make(kind::loaded, is_few ? few_fields : many_fields, [&](node head, shadow& of) {
      gc::local<node> made{self(),
                           static_cast<node*>(self().make_of(is_few ? *with.few : *with.many))};
      *made = head;
      for (std::size_t at = 0; at < of.count; ++at)
        reinterpret_cast<loaded_field<E>*>(made.get() + 1)[at].plain = of.seal + at;
      fill(made.get(), of, 1);
      return gc::unrooted<node>(made);
    });
  }

  void drop_kits() {
    for (kit& each : kits_) *each.mirror = nullptr;
  }

  world<A>& in_;
  std::uint64_t bits_ = 0;  // of this operation's random number, those that are left

 private:
  struct kit {
    std::unique_ptr<gc::global<gc::loader>> mirror;
    const gc::type* few = nullptr;
    const gc::type* many = nullptr;
    const gc::type* references = nullptr;
  };
  static constexpr std::uint32_t few_fields = 3;
  static constexpr std::uint32_t many_fields = 40;

  std::array<kit, 4> kits_;
};

}  // namespace gc_fuzz
