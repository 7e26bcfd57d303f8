// A managed graph beside its shadow: roots, fields, and the comparison of the two.
//
//   roots  managed words       words of the shadow       both change together
//   pins   pinned objects, which may not move, on top of the thread's locals
//
// check() traces the shadow, walks the managed graph along the same edges, compares each object and adds it to
// the digest, which depends on nothing but the program: two heaps that ran the same agree on it. Then it cuts
// the graph down where it has grown too large.
#pragma once

#include <array>
#include <atomic>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/bits.hpp"
#include "roots.hpp"

namespace gc_fuzz {

// Something to be cleaned up when an object has died.
using token = std::atomic<int>;
enum token_state : int { token_free, token_waiting, token_ran };
inline void run_cleaner(void* context) {
  expect(static_cast<token*>(context)->exchange(token_ran) == token_waiting, "a cleaner ran twice");
}

inline std::string text_of(std::uint32_t key) {
  return std::string(key % 50, 'x') + std::to_string(key);
}
inline std::uint8_t byte_at(std::uint64_t seal, std::size_t at) {
  return static_cast<std::uint8_t>(seal + at * 7);
}

template <class A, class Roots>
class graph {
 public:
  using entity = typename A::entity;

  // most: objects.
  graph(gc::heap& of, std::uint64_t seed, std::uint32_t most)
      : heap_(of),
        roots_(of),
        most_(most),
        shadows_(most),
        seed_(seed),
        root_counts_(most + 1),
        found_(most + 1),
        tokens_(most + 1) {
    for (std::uint32_t at = most; at > 0; --at) free_tokens_.push_back(at);
  }

  void attach(gc::mutator& self) {
    self_ = &self;
    roots_.attach(self);
  }
  void detach() {
    while (pin_count_ > 0) unpin();
    roots_.detach();
  }

  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  [[nodiscard]] std::uint64_t checks() const { return checks_; }
  void check() {
    trace();
    digest_ = compare(digest_);
    ++checks_;
    made_ = 0;
    recycle_tokens();
    for (int round = 0; 2 * shadows_.strong_count() > most_ / 2; ++round) cut_down(round);
  }
  // After it nothing of the program is alive.
  void drop_all() {
    while (pin_count_ > 0) unpin();
    for (std::size_t at = 0; at < Roots::count; ++at) set_root(at, nullptr, 0);
    check();
  }
  // The heap has been collected, and cleaners have run, since drop_all.
  void check_end() {
    recycle_tokens();
    expect(orphans_.empty(), "a cleaner did not run");
  }

 protected:
  static constexpr std::size_t most_pins = 8;
  struct pin {
    std::optional<gc::pinned<entity>> held;
    entity* address = nullptr;
    word of = 0;
  };

  std::uint64_t next() {
    seed_ += 0x9E3779B97F4A7C15U;
    return strata::base::mixed(seed_);
  }

  // ---- Roots

  void set_root(std::size_t at, gc::value to, word of) {
    if (is_immediate(of) && !Roots::holds_immediates(at)) {
      to = nullptr;
      of = 0;
    }
    --root_counts_[id_in(words_[at])];
    ++root_counts_[id_in(of)];
    words_[at] = of;
    roots_.set(at, to);
  }
  [[nodiscard]] std::uint32_t id_at(std::size_t root) const { return id_in(words_[root]); }
  entity* entity_at(std::size_t root) const { return entity_in<entity>(roots_.get(root)); }
  node* object_at(std::size_t root) const { return A::object_of(entity_at(root)); }
  [[nodiscard]] bool is_root(std::uint32_t id) const { return id != 0 && root_counts_[id] != 0; }

  void unpin() {
    pin& last = pins_[--pin_count_];
    expect(last.held->get() == last.address, "a pinned object has moved");
    --root_counts_[id_in(last.of)];
    last.held.reset();
  }

  // ---- Fields

  // The managed word is what the shadow's says.
  void match(gc::value have, word want) {
    if (want == 0) return expect(have.is_null(), "a reference where there is none");
    if (is_immediate(want)) return expect(have.word() == want, "another immediate");
    expect(!have.is_null() && !have.is_immediate(), "a reference is lost");
    std::uint32_t id = id_in(want);
    const shadow& of = shadows_[id];
    const node& object = *A::object_of(have.as<entity>());
    expect(object.id == id && object.seal == of.seal &&
               object.kind == static_cast<std::uint32_t>(of.what),
           "another object");
  }
  template <class T>
  static T& as(node* object) {
    return *static_cast<T*>(object);
  }
  static gc::ref<entity>& field(node* object, kind what, std::size_t at) {
    switch (what) {
      case kind::pair:
        return at == 0 ? as<pair<entity>>(object).first : as<pair<entity>>(object).second;
      case kind::quad:
        return as<quad<entity>>(object).of[at];
      case kind::wide:
        return as<wide<entity>>(object).of[at];
      case kind::row:
        return (*as<row<entity>>(object).elements)[at];
      case kind::table:
        return (*as<table<entity>>(object).elements)[at].to;
      default:
        return reinterpret_cast<loaded_field<entity>*>(object + 1)[at].to;
    }
  }
  static gc::ref<gc::value>& value_field(node* object, kind what, std::size_t at) {
    return what == kind::values ? as<values>(object).of[at] : (*as<stack>(object).elements)[at];
  }
  static bool has_values(kind what) { return what == kind::values || what == kind::stack; }
  static gc::value get_field(node* object, kind what, std::size_t at) {
    if (has_values(what)) return value_field(object, what, at);
    return gc::value(field(object, what, at).get());
  }
  void set_field(node* object, shadow& of, std::size_t at, gc::value to, word want) {
    if (has_values(of.what)) {
      value_field(object, of.what, at) = to;
    } else {
      if (is_immediate(want)) want = 0;
      field(object, of.what, at) = gc::unrooted<entity>(*self_, entity_in<entity>(to));
    }
    of.fields()[at] = want;
  }

  // ---- Comparison

  // There is a free shadow. Objects that only weak references lead to have one until the heap has forgotten
  // them: when it does must not be seen in the digest.
  void make_room() {
    if (++made_ > most_ / 4) check();
    if (shadows_.free_count() > 0) return;
    trace();
    for (int time = 0; shadows_.free_count() == 0; ++time) {
      expect(time < 4, "the heap forgets nothing");
      self_->collect();
      static_cast<void>(compare(0));
      trace();
    }
  }

  void trace() {
    shadows_.trace(
        [&](auto visit) {
          for (word each : words_) visit(each);
          for (std::size_t at = 0; at < pin_count_; ++at) visit(pins_[at].of);
        },
        [&](const shadow& forgotten) {
          if (forgotten.cleaner != 0) orphans_.push_back(forgotten.cleaner);
        });
  }

  // Returns the digest, of what it was before and of what was seen.
  std::uint64_t compare(std::uint64_t digest) {
    gc::no_gc guard{*self_};
    digest_under_way_ = digest;
    std::fill(found_.begin(), found_.end(), nullptr);
    interned_.clear();
    open_.clear();
    std::size_t found = 0;
    auto reach = [&](gc::value have, word want) {
      match(have, want);
      std::uint32_t id = id_in(want);
      if (id == 0) return;
      auto* object = have.as<entity>();
      if (found_[id] != nullptr) return expect(found_[id] == object, "two objects for one");
      found_[id] = object;
      open_.push_back(id);
      ++found;
    };
    for (std::size_t at = 0; at < Roots::count; ++at) reach(roots_.get(at), words_[at]);
    for (std::size_t at = 0; at < pin_count_; ++at) {
      expect(pins_[at].held->get() == pins_[at].address, "a pinned object has moved");
      reach(gc::value(pins_[at].address), pins_[at].of);
    }
    while (!open_.empty()) {
      std::uint32_t id = open_.back();
      open_.pop_back();
      compare_object(found_[id], id, reach);
    }
    expect(found == shadows_.strong_count(), "not as many objects as there must be");
    return digest_under_way_;
  }
  void add_to_digest(word of) {
    // Objects by their seals: their ids depend on when others were forgotten.
    std::uint64_t figure = id_in(of) != 0 ? shadows_[id_in(of)].seal : of;
    digest_under_way_ = strata::base::mixed(digest_under_way_ ^ figure);
  }

  template <class Reach>
  void compare_object(entity* at, std::uint32_t id, Reach reach) {
    shadow& of = shadows_[id];
    node* object = A::object_of(at);
    add_to_digest(reference_to(id));
    if (of.asked != 0)
      expect(of.hash == gc::detail::identity_hash(*self_, at), "another identity hash");
    if (of.cleaner != 0)
      expect(tokens_[of.cleaner] == token_waiting, "cleaned up while it is alive");
    if (of.what == kind::weakling) return compare_weakling(object, of);
    if (of.what == kind::pairing) return compare_pairing(object, of, reach);
    compare_content(object, of);
    for (std::size_t each = 0; each < of.count; ++each) {
      word want = of.fields()[each];
      add_to_digest(want);
      reach(get_field(object, of.what, each), want);
    }
  }
  // What is in it besides references.
  void compare_content(node* object, const shadow& of) {
    switch (of.what) {
      case kind::quad:
        return expect(as<quad<entity>>(object).tail == of.seal, "another quad's word");
      case kind::row:
        return expect(as<row<entity>>(object).elements->size() == of.count, "a row's length");
      case kind::stack:
        return expect(as<stack>(object).elements->size() == of.count, "a stack's length");
      case kind::table:
        expect(as<table<entity>>(object).elements->size() == of.count, "a table's length");
        for (std::size_t at = 0; at < of.count; ++at)
          expect((*as<table<entity>>(object).elements)[at].tag == of.seal + at, "a table's tag");
        return;
      case kind::loaded:
        for (std::size_t at = 0; at < of.count; ++at)
          expect(reinterpret_cast<loaded_field<entity>*>(object + 1)[at].plain == of.seal + at,
                 "a loaded object's word");
        return;
      case kind::bytes: {
        auto& elements = *as<bytes>(object).elements;
        expect(elements.size() == of.number, "the length of bytes");
        std::size_t step = of.number > 4096 ? 61 : 1;
        for (std::size_t at = 0; at < of.number; at += step)
          expect(elements[at] == byte_at(of.seal, at), "other bytes");
        return;
      }
      case kind::text:
        return compare_text(as<text>(object), of);
      case kind::buffer:
        return compare_buffer(*as<buffer>(object).memory, of);
      default:
        return;
    }
  }
  void compare_text(text& object, const shadow& of) {
    std::string want = text_of(of.number);
    expect(std::string_view(object.characters->data(), object.characters->size()) == want,
           "another text");
    if (interned_.size() <= of.number) interned_.resize(of.number + 1);
    void*& one = interned_[of.number];
    expect(one == nullptr || one == object.characters.get(), "two objects for one text");
    one = object.characters.get();
  }
  void compare_buffer(gc::direct_buffer& memory, const shadow& of) {
    expect(memory.size() == of.number, "a buffer's length");
    if (of.number == 0) return;
    expect(std::memcmp(memory.data(), &of.seal, 8) == 0 &&
               std::memcmp(memory.data() + of.number - 8, &of.seal, 8) == 0,
           "a buffer's bytes");
  }
  // Without asking for the reference, so that a marking under way doesn't hear of it.
  static gc::value peek(void* weak_object, std::size_t at) {
    return gc::value(static_cast<entity**>(weak_object)[at]);
  }
  void compare_weakling(node* object, shadow& of) {
    gc::value have = peek(as<weakling<entity>>(object).to.get(), 0);
    bool is_strong = shadows_.is_strong(id_in(of.few[0]));
    if (is_strong) add_to_digest(of.few[0]);
    if (!is_strong && have.is_null()) of.few[0] = 0;
    match(have, of.few[0]);
  }
  template <class Reach>
  void compare_pairing(node* object, shadow& of, Reach reach) {
    void* both = as<pairing<entity>>(object).both.get();
    // In this order: a thread that clears both beside the program takes the key first.
    gc::value value = peek(both, 1);
    gc::value key = peek(both, 0);
    if (key.is_null()) value = {};
    bool is_strong = shadows_.is_strong(id_in(of.few[0]));
    if (!is_strong && key.is_null()) of.few[0] = of.few[1] = 0;
    match(key, of.few[0]);
    match(value, of.few[1]);
    if (!is_strong) return;
    add_to_digest(of.few[0]);
    add_to_digest(of.few[1]);
    reach(value, of.few[1]);
  }

  // Half of the roots go, and half of the objects forget what they refer to.
  void cut_down(int round) {
    expect(round < 40, "the graph does not get smaller");
    for (std::size_t at = 0; at < Roots::count; ++at)
      if (next() % 2 == 0) set_root(at, nullptr, 0);
    for (std::uint32_t id : shadows_.strong()) {
      shadow& of = shadows_[id];
      if (of.is_weak() || next() % 2 == 0) continue;
      for (std::size_t each = 0; each < of.count; ++each)
        set_field(A::object_of(found_[id]), of, each, nullptr, 0);
    }
    trace();
  }
  void recycle_tokens() {
    auto ran = [this](std::uint32_t each) {
      if (tokens_[each] != token_ran) return false;
      tokens_[each] = token_free;
      free_tokens_.push_back(each);
      return true;
    };
    orphans_.erase(std::remove_if(orphans_.begin(), orphans_.end(), ran), orphans_.end());
  }

  gc::heap& heap_;
  gc::mutator* self_ = nullptr;
  Roots roots_;
  std::uint32_t most_;
  shadow_graph shadows_;
  std::uint64_t seed_;
  std::array<word, Roots::count> words_{};
  std::vector<std::uint32_t> root_counts_;  // of ids: how many roots and pins
  std::array<pin, most_pins> pins_;
  std::size_t pin_count_ = 0;
  std::vector<entity*> found_;  // by ids, in a comparison
  std::vector<std::uint32_t> open_;
  std::vector<void*> interned_;  // by keys
  std::vector<token> tokens_;
  std::vector<std::uint32_t> free_tokens_;
  std::vector<std::uint32_t> orphans_;  // tokens of objects that the shadow has forgotten
  std::uint32_t made_ = 0;              // objects, since the last check
  std::uint64_t digest_ = 0;
  std::uint64_t digest_under_way_ = 0;
  std::uint64_t checks_ = 0;
};

}  // namespace gc_fuzz
