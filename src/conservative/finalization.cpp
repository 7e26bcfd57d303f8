#include "conservative/finalization.hpp"

namespace strata::conservative {
namespace {

bool is_unmarked(heap& of, std::uintptr_t address) {
  heap::object found = of.find(address);
  return found.base != nullptr && !of.is_marked(found);
}

void mark(heap& of, std::uintptr_t address) {
  heap::object found = of.find(address);
  if (found.base != nullptr) of.set_mark(found, true);
}

}  // namespace

linked links::add(void** link, const void* object) {
  std::uintptr_t key = base::address_of(link);
  if (entry* known = table_.find(key)) {
    known->object = base::address_of(object);
    return linked::again;
  }
  return table_.add({key, base::address_of(object)}) ? linked::added : linked::no_memory;
}

bool links::remove(void** link) {
  entry* known = table_.find(base::address_of(link));
  if (known == nullptr) return false;
  table_.remove(known);
  return true;
}

linked links::move(void** from, void** to) {
  entry* known = table_.find(base::address_of(from));
  if (known == nullptr) return linked::not_found;
  if (from == to) return linked::moved;
  if (table_.find(base::address_of(to)) != nullptr) return linked::again;
  entry moved = {base::address_of(to), known->object};
  table_.remove(known);
  table_.add(moved);  // there is room: one has gone
  return linked::moved;
}

void links::clear_dead(heap& of) {
  table_.remove_if([&](const entry& each) {
    if (!is_unmarked(of, each.object)) return false;
    *base::pointer_to<void*>(each.key) = nullptr;
    return true;
  });
}

void links::forget_dead(heap& of) {
  table_.remove_if([&](const entry& each) { return is_unmarked(of, each.key); });
}

bool finalization::set(const finalizer& to, finalizer& before) {
  finalizer* known = table_.find(to.key);
  before = known != nullptr ? *known : finalizer{};
  if (to.call == nullptr) {
    if (known != nullptr) table_.remove(known);
    return true;
  }
  if (known == nullptr) return table_.add(to);
  *known = to;
  return true;
}

bool finalization::take_due(finalizer& into) {
  if (due_.size() == 0) return false;
  into = due_[due_.size() - 1];
  due_.remove(due_.size() - 1);
  return true;
}

void finalization::make_all_due() {
  table_.remove_if([this](const finalizer& each) { return due_.add(each); });
}

bool finalization::toggle(void* object, toggled as) {
  std::uintptr_t key = base::address_of(object);
  if (reference* known = references_.find(key)) {
    known->as = as;
    return true;
  }
  return references_.add({key, as});
}

void finalization::ask(toggle_function say) {
  references_.remove_if([say](reference& each) {
    each.as = say(base::pointer_to(each.key));
    return each.as == toggled::dropped;
  });
}

void finalization::add_roots(marker& to) {
  for (std::size_t at = 0; at < references_.size(); ++at)
    if (references_[at].as == toggled::strong)
      to.add_root(references_[at].key, marker::interior::any);
  for (std::size_t at = 0; at < table_.size(); ++at)
    to.add_root(base::address_of(table_[at].data), marker::interior::as_heap);
  for (std::size_t at = 0; at < due_.size(); ++at) {
    to.add_root(base::address_of(due_[at].data), marker::interior::as_heap);
    to.add_root(due_[at].key, marker::interior::any);
  }
}

bool finalization::is_dead(heap& of, std::uintptr_t object) { return is_unmarked(of, object); }

void finalization::mark_contents(heap& of, marker& with, const finalizer& what, order by) {
  heap::object object = of.find(what.key);
  if (by == order::ignoring_itself) {
    auto* from = reinterpret_cast<const std::uintptr_t*>(object.base);
    std::uintptr_t start = base::address_of(from);
    with.push_words(from, from + object.bytes / word_bytes, start, start + object.bytes);
  } else if (by != order::none) {
    with.push_contents(object);
  }
  with.drain();
}

// What another that is due can reach has got its mark from that one.
void finalization::hold_back_reachable(heap& of) {
  due_.remove_if([&](const finalizer& each) {
    if (each.by != order::unreachable) return false;
    if (!is_dead(of, each.key)) return table_.add(each);
    mark(of, each.key);
    return false;
  });
}

void finalization::run(heap& of, marker& with, void (*told)(void* object)) {
  short_links.clear_dead(of);
  cycles_ = 0;
  for (std::size_t at = 0; at < table_.size(); ++at) {
    if (!is_dead(of, table_[at].key)) continue;
    mark_contents(of, with, table_[at], table_[at].by);
    cycles_ += !is_dead(of, table_[at].key);
  }
  std::size_t due_before = due_.size();
  table_.remove_if([&](const finalizer& each) {
    if (!is_dead(of, each.key)) return false;
    if (!due_.add(each)) {
      // Another collection will find it.
      mark(of, each.key);
      return false;
    }
    if (told != nullptr) told(base::pointer_to(each.key));
    if (!keeps_reachable) mark(of, each.key);
    return true;
  });
  // Finalizers see whole objects.
  for (std::size_t at = due_before; at < due_.size(); ++at) {
    if (due_[at].by == order::none)
      mark_contents(of, with, due_[at], order::before_what_it_refers_to);
    if (due_[at].by != order::unreachable) mark(of, due_[at].key);
  }
  if (keeps_reachable) hold_back_reachable(of);
  references_.remove_if([&](const reference& each) { return is_dead(of, each.key); });
  short_links.forget_dead(of);
  long_links.clear_dead(of);
  long_links.forget_dead(of);
}

}  // namespace strata::conservative
