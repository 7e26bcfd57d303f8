// A random program: operations on the managed graph and its shadow at once. The table at the end says how
// often each comes.
#pragma once

#include <cstdio>
#include <thread>

#include "graph.hpp"
#include "world.hpp"

namespace gc_fuzz {

// The last operations of the thread, for a report.
struct trail {
  std::array<const char*, 24> names{};
  std::uint64_t count = 0;
  void add(const char* name) { names[count++ % names.size()] = name; }
};
inline thread_local trail last_operations;

template <class A, class Roots>
class program : public graph<A, Roots> {
  using base = graph<A, Roots>;
  using E = typename A::entity;
  using base::self_, base::shadows_, base::roots_, base::words_, base::next, base::set_root,
      base::id_at, base::entity_at, base::object_at, base::is_root, base::match, base::set_field,
      base::get_field, base::pins_, base::pin_count_, base::root_counts_, base::tokens_,
      base::free_tokens_;

 public:
  using shared_program = program<A, shared_roots<E>>;

  program(world<A>& in, std::uint64_t seed, shared_program* shared, std::mutex* turn)
      : base(in.heap, seed, in.how.most_objects), in_(in), shared_(shared), turn_(turn) {
    for (kit& each : kits_) each.mirror = std::make_unique<gc::global<gc::loader>>(in.heap);
  }

  void step() {
    bits_ = next();
    const operation& chosen = all[chosen_by[bits_ & (weights - 1)]];
    bits_ >>= 12;
    last_operations.add(chosen.name);
    (this->*chosen.run)();
  }

  // ---- The end

  void drop_all() {
    leases_.clear();
    for (kit& each : kits_) *each.mirror = nullptr;
    base::drop_all();
  }

 private:
  struct kit {
    std::unique_ptr<gc::global<gc::loader>> mirror;
    const gc::type* few = nullptr;
    const gc::type* many = nullptr;
    const gc::type* references = nullptr;
  };
  static constexpr std::uint32_t few_fields = 3;
  static constexpr std::uint32_t many_fields = 40;
  static constexpr std::size_t no_root = ~std::size_t{0};

  [[nodiscard]] gc::mutator& self() const { return *self_; }
  template <class T, class... Args>
  gc::unrooted<T> create(Args&&... args) {
    return self_->template make<T>(std::forward<Args>(args)...);
  }
  // Below a power of two.
  std::size_t draw(std::size_t below) {
    std::size_t drawn = bits_ % below;
    bits_ /= below;
    return drawn;
  }
  std::size_t root() { return draw(Roots::count); }
  bool one_in(std::uint64_t many) { return next() % many == 0; }
  // A root that leads to an object of that kind.
  std::size_t root_of(kind wanted) {
    std::size_t from = root();
    for (std::size_t each = 0; each < 24; ++each) {
      std::size_t at = (from + each) % Roots::count;
      if (id_at(at) != 0 && shadows_[id_at(at)].what == wanted) return at;
    }
    return no_root;
  }
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
    auto count = static_cast<std::uint32_t>(4100 + next() % (large_elements - 4100));
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

  // ---- References

  void link() {
    std::size_t into = root();
    std::size_t from = root();
    if (id_at(into) == 0) return;
    shadow& of = shadows_[id_at(into)];
    if (of.count == 0 || of.is_weak()) return;
    set_field(object_at(into), of, bits_ % of.count, roots_.get(from), words_[from]);
  }
  void unlink() {
    std::size_t into = root();
    if (id_at(into) == 0) return;
    shadow& of = shadows_[id_at(into)];
    if (of.count == 0 || of.is_weak()) return;
    set_field(object_at(into), of, bits_ % of.count, nullptr, 0);
  }
  void load() {
    std::size_t from = root();
    std::size_t to = root();
    if (id_at(from) == 0) return;
    shadow& of = shadows_[id_at(from)];
    if (of.count == 0 || of.is_weak()) return;
    std::size_t at = bits_ % of.count;
    gc::value have = get_field(object_at(from), of.what, at);
    match(have, of.fields()[at]);
    set_root(to, have, of.fields()[at]);
  }
  void walk() {
    std::size_t from = root();
    gc::value at = roots_.get(from);
    word want = words_[from];
    for (int step = 0; step < 4; ++step) {
      match(at, want);
      if (id_in(want) == 0) return;
      shadow& of = shadows_[id_in(want)];
      if (of.count == 0 || of.is_weak()) return;
      std::size_t each = bits_ % of.count;
      bits_ >>= 7;
      at = get_field(A::object_of(at.as<E>()), of.what, each);
      want = of.fields()[each];
    }
  }
  void copy() {
    std::size_t from = root();
    set_root(root(), roots_.get(from), words_[from]);
  }
  void drop() { set_root(root(), nullptr, 0); }
  void put_immediate() {
    word immediate = next() | 1;
    set_root(root(), gc::value::of_word(immediate), immediate);
  }

  // ---- Weak references

  void make_weakling() {
    std::size_t to = root();
    if (id_at(to) == 0) return;
    make(kind::weakling, 1, [&](node head, shadow& of) {
      of.few[0] = reference_at(to);
      gc::local<E> referent = local_at(to);
      gc::local<gc::weak<E>> made = create<gc::weak<E>>(referent);
      return create<weakling<E>>(head, made);
    });
  }
  void make_pairing() {
    std::size_t key = root();
    std::size_t value = root();
    if (id_at(key) == 0 || id_at(value) == 0) return;
    make(kind::pairing, 2, [&](node head, shadow& of) {
      of.few[0] = reference_at(key);
      of.few[1] = reference_at(value);
      gc::local<E> held_key = local_at(key);
      gc::local<E> held_value = local_at(value);
      gc::local<gc::ephemeron<E, E>> made = create<gc::ephemeron<E, E>>(held_key, held_value);
      return create<pairing<E>>(head, made);
    });
  }
  // What a weak reference gave; null is right only if it may have died.
  void take_up(gc::value have, word& want, bool is_alive) {
    if (have.is_null() && !is_alive) want = 0;
    match(have, want);
    std::size_t to = root();
    if (want != 0 && (is_alive || in_.how.revive)) set_root(to, have, want);
  }
  void ask_weakling() {
    std::size_t from = root_of(kind::weakling);
    if (from == no_root) return;
    shadow& of = shadows_[id_at(from)];
    gc::weak<E>& to = *static_cast<weakling<E>*>(object_at(from))->to;
    take_up(gc::value(to.get(self())), of.few[0], is_root(id_in(of.few[0])));
  }
  void ask_pairing() {
    std::size_t from = root_of(kind::pairing);
    if (from == no_root) return;
    shadow& of = shadows_[id_at(from)];
    auto& both = *static_cast<pairing<E>*>(object_at(from))->both;
    bool is_alive = is_root(id_in(of.few[0]));
    gc::value key{both.key(self())};
    if (key.is_null() && !is_alive) of.few[0] = of.few[1] = 0;
    match(key, of.few[0]);
    word want = of.few[1];
    take_up(gc::value(both.value(self())), want, is_alive && want != 0);
    expect(want == of.few[1], "an ephemeron without its value");
  }

  // ---- Death, and what is beside the heap

  void clean_up_after() {
    std::size_t at = root();
    if (id_at(at) == 0 || shadows_[id_at(at)].cleaner != 0 || free_tokens_.empty()) return;
    std::uint32_t chosen = free_tokens_.back();
    free_tokens_.pop_back();
    tokens_[chosen] = token_waiting;
    shadows_[id_at(at)].cleaner = chosen;
    gc::when_dead(local_at(at), {&run_cleaner, &tokens_[chosen]});
  }
  void run_cleaners() {
    in_.heap.run_cleaners();
    this->recycle_tokens();
  }
  void make_buffer() {
    auto count = static_cast<std::uint32_t>(one_in(32) ? 40000 : 16 + next() % 1000);
    make(kind::buffer, 0, [&](node head, shadow& of) {
      gc::local<gc::direct_buffer> memory = gc::make_direct(self(), count);
      of.number = count;
      std::memcpy(memory->data(), &of.seal, 8);
      std::memcpy(memory->data() + count - 8, &of.seal, 8);
      return create<buffer>(head, memory);
    });
  }
  void release_buffer() {
    std::size_t from = root_of(kind::buffer);
    if (from == no_root) return;
    gc::local<gc::direct_buffer> memory{self(), static_cast<buffer*>(object_at(from))->memory};
    gc::release(memory);
    shadows_[id_at(from)].number = 0;
  }
  void lease_buffer() {
    if (leases_.size() == 4) {
      auto& [held, seal] = leases_.front();
      expect(held.size() == 0 || std::memcmp(held.data(), &seal, 8) == 0, "leased memory");
      leases_.clear();
    }
    std::size_t from = root_of(kind::buffer);
    if (from == no_root) return;
    gc::local<gc::direct_buffer> memory{self(), static_cast<buffer*>(object_at(from))->memory};
    leases_.emplace_back(gc::direct_lease{memory}, shadows_[id_at(from)].seal);
  }
  void ask_hash() {
    std::size_t at = root();
    if (id_at(at) == 0) return;
    shadow& of = shadows_[id_at(at)];
    std::uint32_t hash = gc::identity_hash(local_at(at));
    expect(of.asked == 0 || of.hash == hash, "another identity hash");
    of.hash = hash;
    of.asked = 1;
  }

  // ---- Threads and collections

  void pin() {
    if constexpr (!Roots::is_shared) {
      std::size_t at = root();
      if (id_at(at) == 0 || pin_count_ == base::most_pins) return;
      auto& made = pins_[pin_count_++];
      made.address = entity_at(at);
      made.of = words_[at];
      ++root_counts_[id_in(made.of)];
      made.held.emplace(self(), made.address);
    }
  }
  void unpin() {
    if constexpr (!Roots::is_shared)
      for (std::size_t many = 1 + draw(4); many > 0 && pin_count_ > 0; --many) base::unpin();
  }
  void shorten_row() {
    if constexpr (!Roots::is_shared) {
      std::size_t end = 40 + draw(24);
      for (std::size_t at = end; at < Roots::count; ++at) {
        // The managed word stays where it is: for the program it is none.
        --root_counts_[id_in(words_[at])];
        words_[at] = 0;
      }
      roots_.with_shorter_row(end, [&] {
        if (one_in(32)) self().collect(gc::collection::young);
        self().safepoint();
      });
    }
  }
  void safepoint() { self().safepoint(); }
  void block() {
    gc::blocking meanwhile{self()};
    if (one_in(16)) std::this_thread::yield();
  }
  void collect_young() {
    if (one_in(8)) self().collect(gc::collection::young);
  }
  void collect_full() {
    if (one_in(64)) self().collect(gc::collection::full);
  }
  void verify() {
    if (one_in(256)) self().verify();
  }
  void look() {
    if (!one_in(512)) return;
    std::size_t objects = 0;
    for (const gc::type_summary& each : gc::summarize(self())) objects += each.objects;
    expect(objects > 0, "a heap without objects");
    std::size_t at = root();
    if (id_at(at) != 0)
      expect(gc::why_alive(local_at(at)).is_alive(), "nothing keeps a root alive");
  }
  void run_out_of_memory() {
    self().fail_after(1);
    try {
      static_cast<void>(create<node>());
    } catch (const gc::out_of_memory&) {
      return;
    }
    fail("an allocation that had to fail did not");
  }
  void swap_objects() {
    if constexpr (!std::is_same_v<E, node>) {
      std::size_t a = root();
      std::size_t b = root();
      if (id_at(a) == 0 || id_at(b) == 0 || id_at(a) == id_at(b)) return;
      become_at(a, b);
    }
  }
  void become_at(std::size_t a, std::size_t b) {
    auto handle_at = [&](std::size_t at) {
      return gc::handle_unrooted<node>{gc::unrooted<E>(self(), entity_at(at))};
    };
    gc::handle_local<node> first = handle_at(a);
    gc::handle_local<node> second = handle_at(b);
    gc::become(first, second);
    shadows_.swap_contents(id_at(a), id_at(b));
    object_at(a)->id = id_at(a);
    object_at(b)->id = id_at(b);
  }
  // The thread goes and comes again.
  void attach_again() {
    if constexpr (!Roots::is_shared)
      if (one_in(64)) wants_to_attach_again_ = true;
  }
  void share() {
    if constexpr (!Roots::is_shared) {
      if (shared_ == nullptr) return;
      if (!turn_->try_lock()) {
        gc::blocking meanwhile{self()};
        turn_->lock();
      }
      std::lock_guard guard{*turn_, std::adopt_lock};
      shared_->attach(self());
      for (int each = 0; each < 16; ++each) shared_->step();
      if (one_in(512)) shared_->check();
    }
  }

 public:
  // Once after each time that it was wanted: the caller owns the mutator.
  bool wants_to_attach_again() { return std::exchange(wants_to_attach_again_, false); }

 private:
  struct operation {
    const char* name;
    std::size_t weight;
    void (program::*run)();
  };
  static constexpr std::size_t weights = 4096;
  static constexpr operation all[] = {
      {"link", 880, &program::link},
      {"unlink", 150, &program::unlink},
      {"load", 640, &program::load},
      {"walk", 800, &program::walk},
      {"copy", 160, &program::copy},
      {"drop", 100, &program::drop},
      {"put_immediate", 96, &program::put_immediate},
      {"make_leaf", 160, &program::make_leaf},
      {"make_pair", 500, &program::make_pair},
      {"make_quad", 120, &program::make_quad},
      {"make_row", 50, &program::make_row},
      {"make_table", 32, &program::make_table},
      {"make_bytes", 40, &program::make_bytes},
      {"make_values", 50, &program::make_values},
      {"make_stack", 12, &program::make_stack},
      {"make_text", 16, &program::make_text},
      {"make_loaded", 24, &program::make_loaded},
      {"make_weakling", 36, &program::make_weakling},
      {"ask_weakling", 28, &program::ask_weakling},
      {"make_pairing", 24, &program::make_pairing},
      {"ask_pairing", 20, &program::ask_pairing},
      {"ask_hash", 32, &program::ask_hash},
      {"clean_up_after", 16, &program::clean_up_after},
      {"pin", 14, &program::pin},
      {"unpin", 8, &program::unpin},
      {"safepoint", 20, &program::safepoint},
      {"share", 16, &program::share},
      {"swap_objects", 12, &program::swap_objects},
      {"make_wide", 4, &program::make_wide},
      {"make_medium", 2, &program::make_medium},
      {"make_large", 1, &program::make_large},
      {"make_buffer", 2, &program::make_buffer},
      {"release_buffer", 1, &program::release_buffer},
      {"lease_buffer", 1, &program::lease_buffer},
      {"renew_kit", 1, &program::renew_kit},
      {"shorten_row", 1, &program::shorten_row},
      {"block", 1, &program::block},
      {"run_cleaners", 1, &program::run_cleaners},
      {"run_out_of_memory", 1, &program::run_out_of_memory},
      {"collect_young", 1, &program::collect_young},
      {"collect_full", 1, &program::collect_full},
      {"verify", 1, &program::verify},
      {"look", 1, &program::look},
      {"attach_again", 1, &program::attach_again},
  };
  static constexpr auto chosen_by = [] {
    std::array<std::uint8_t, weights> made{};
    std::size_t at = 0;
    for (std::size_t each = 0; each < std::size(all); ++each)
      for (std::size_t many = 0; many < all[each].weight; ++many)
        made.at(at++) = static_cast<std::uint8_t>(each);
    // What is left goes to the first.
    return made;
  }();

  world<A>& in_;
  shared_program* shared_;
  std::mutex* turn_;
  std::uint64_t bits_ = 0;  // of this operation's random number, those that are left
  std::array<kit, 4> kits_;
  std::vector<std::pair<gc::direct_lease, std::uint64_t>> leases_;
  bool wants_to_attach_again_ = false;
};

}  // namespace gc_fuzz
