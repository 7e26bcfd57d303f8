// Why an object is alive: a search in breadth from the roots. What it has come to stays in a row, which is the
// queue and, by `parent`, the way back.
//
//   entries   | root's | root's | child of 0 | child of 0 | child of 1 | ...
//                        ^ next to be looked at                          ^ end
//
// So the first way that is found has the fewest references.
#include "gc/view/names.hpp"
#include "gc/view/walk.hpp"
#include "gc/view/writer.hpp"
#include "strata/gc/view.hpp"

namespace strata::gc {
namespace {

class search {
 public:
  search(core& of, const detail::slot* own)
      : core_(of), own_(own), seen_(of.blocks()), ephemerons_(most_objects(of.blocks())) {
    if (!entries_.open(most_objects(of.blocks()))) throw std::bad_alloc();
  }

  retention run(void* wanted) {
    std::uint32_t number = 0;
    each_root_place(core_, own_,
                    [&](void* object, const root_place&) { reach(object, no_parent, number++); });
    std::size_t at = 0;
    do {
      for (; at < entries_.size(); ++at) {
        if (entries_[at].object == wanted) return path_to(at);
        look(at);
      }
    } while (ephemerons_.settle(seen_,
                                [this](void** field, std::size_t from) { reach_by(field, from); }));
    return {};
  }

 private:
  static constexpr std::uint32_t no_parent = ~std::uint32_t{0};
  static constexpr std::uint32_t by_loader = ~std::uint32_t{0};  // of the parent's type
  struct entry {
    void* object;
    std::uint32_t parent;  // an index
    std::uint32_t word;    // of the field in the parent; without one, the number of the root
  };

  void look(std::size_t at) {
    void* object = entries_[at].object;
    type& of = *type_of_object(object);
    if (of.kind == shape::ephemeron) ephemerons_.add(object, at);
    if (of.mirror != nullptr) reach(*of.mirror, static_cast<std::uint32_t>(at), by_loader);
    each_field(object, of, [&](void** field) { reach_by(field, at); });
  }
  void reach_by(void** field, std::size_t from) {
    std::size_t offset = base::address_of(field) - base::address_of(entries_[from].object);
    reach(*field, static_cast<std::uint32_t>(from),
          static_cast<std::uint32_t>(offset / detail::word_bytes));
  }
  void reach(void* object, std::uint32_t parent, std::uint32_t word) {
    if (is_reference(object) && seen_.add(object)) entries_.push({object, parent, word});
  }

  retention path_to(std::size_t last) {
    std::size_t steps = 1;
    std::size_t first = last;
    for (; entries_[first].parent != no_parent; first = entries_[first].parent) ++steps;
    retention found;
    found.path.resize(steps);
    found.from = root_numbered(entries_[first].word);
    for (std::size_t at = last; steps > 0; at = entries_[at].parent)
      found.path[--steps] = step_at(entries_[at]);
    return found;
  }
  retention_step step_at(const entry& one) {
    type& of = *type_of_object(one.object);
    retention_step made{.type = name_of(of),
                        .bytes = object_bytes(one.object, of),
                        .address = base::address_of(one.object),
                        .field = {}};
    if (one.parent == no_parent) return made;
    if (one.word == by_loader) {
      made.field = "(loader)";
      return made;
    }
    made.offset = one.word * detail::word_bytes;
    made.field = field_name(*type_of_object(entries_[one.parent].object), made.offset);
    return made;
  }
  root root_numbered(std::uint32_t wanted) {
    root found;
    std::uint32_t number = 0;
    each_root_place(core_, own_, [&](void*, const root_place& place) {
      if (number++ == wanted) found = {place.kind, place.mutator, place.slot, place.name};
    });
    return found;
  }

  core& core_;
  const detail::slot* own_;
  object_bits seen_;
  row<entry> entries_;
  waiting_ephemerons ephemerons_;
};

}  // namespace

retention detail::why_alive(mutator& self, const slot* own) {
  still_world guard{self.core(), static_cast<record*>(self.record())};
  void* wanted = pointer_to(*own & ~pinned_slot);
  if (wanted == nullptr) return {};
  return search{self.core(), own}.run(wanted);
}

std::string retention::text() const {
  std::string made;
  auto keep = [&](std::string_view part) { made += part; };
  writer out{keep};
  if (path.empty()) {
    out << "nothing keeps it alive\n";
  } else {
    out << path.back().type << ", " << path.back().bytes << " bytes, is kept alive by\n  "
        << name_of(from.kind) << " " << from.slot;
    if (from.kind != root_kind::global) out << " of mutator " << from.mutator;
    if (!from.name.empty()) out << ", " << from.name;
    out << "\n";
  }
  for (const retention_step& each : path) {
    bool is_plain = !each.field.empty() &&
                    std::string_view("[+(").find(each.field[0]) == std::string_view::npos;
    out << "    " << (is_plain ? "." : "") << each.field << (each.field.empty() ? "" : " ") << "-> "
        << each.type << "\n";
  }
  out.flush();
  return made;
}

}  // namespace strata::gc
