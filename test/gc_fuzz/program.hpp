// A random program: operations on the managed graph and its shadow at once. The table at the end says how
// often each comes.
#pragma once

#include <cstdio>
#include <thread>

#include "builder.hpp"

namespace gc_fuzz {

// The last operations of the thread, for a report.
struct trail {
  std::array<const char*, 24> names{};
  std::uint64_t count = 0;
  void add(const char* name) { names[count++ % names.size()] = name; }
};
inline thread_local trail last_operations;

template <class A, class Roots>
class program : public builder<A, Roots> {
  using base = builder<A, Roots>;
  using E = typename A::entity;
  using base::self_, base::shadows_, base::roots_, base::words_, base::next, base::set_root,
      base::id_at, base::entity_at, base::object_at, base::is_root, base::match, base::set_field,
      base::get_field, base::pins_, base::pin_count_, base::root_counts_, base::tokens_,
      base::free_tokens_, base::in_, base::bits_, base::root, base::draw, base::one_in, base::make,
      base::self, base::local_at, base::reference_at;

 public:
  using shared_program = program<A, shared_roots<E>>;

  program(world<A>& in, std::uint64_t seed, shared_program* shared, std::mutex* turn)
      : base(in, seed), shared_(shared), turn_(turn) {}

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
    this->drop_kits();
    base::drop_all();
  }

 private:
  static constexpr std::size_t no_root = ~std::size_t{0};

  // A root that leads to an object of that kind.
  std::size_t root_of(kind wanted) {
    std::size_t from = root();
    for (std::size_t each = 0; each < 24; ++each) {
      std::size_t at = (from + each) % Roots::count;
      if (id_at(at) != 0 && shadows_[id_at(at)].what == wanted) return at;
    }
    return no_root;
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
      gc::local<gc::weak<E>> made = this->template create<gc::weak<E>>(referent);
      return this->template create<weakling<E>>(head, made);
    });
  }
  void make_pairing() {
    std::size_t key = root();
    std::size_t value = root();
    if (id_at(key) == 0 || id_at(value) == 0) return;
    make(kind::pairing, 2, [&](node head, shadow& of) {
      // They may have been cut down for this one's sake; without a key there is no value.
      if (id_at(key) == 0) value = key;
      of.few[0] = reference_at(key);
      of.few[1] = reference_at(value);
      gc::local<E> held_key = local_at(key);
      gc::local<E> held_value = local_at(value);
      gc::local<gc::ephemeron<E, E>> made =
          this->template create<gc::ephemeron<E, E>>(held_key, held_value);
      return this->template create<pairing<E>>(head, made);
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
      return this->template create<buffer>(head, memory);
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
    if (one_in(8)) self().collect(gc::collection::full);
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
      static_cast<void>(this->template create<node>());
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

  shared_program* shared_;
  std::mutex* turn_;
  std::vector<std::pair<gc::direct_lease, std::uint64_t>> leases_;
  bool wants_to_attach_again_ = false;
};

}  // namespace gc_fuzz
