#include "gc/metaspace.hpp"

#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>

#include "gc/core.hpp"

namespace strata::gc {
namespace {

// The least that a description takes: more types than that there can't be.
constexpr std::size_t least_type_bytes = sizeof(loaded_type);
constexpr std::size_t most_element_bytes = 64 * detail::word_bytes;
constexpr std::size_t most_type_bytes = ~std::uint32_t{0} - detail::word_bytes;
constexpr std::size_t most_masked_bytes = 64 * detail::word_bytes;

void check(const type_definition& of) {
  std::size_t bytes = of.of == elements::structs ? of.element_bytes : of.bytes;
  bool is_array = of.of != elements::none;
  if (is_array && of.bytes != 0) throw std::invalid_argument("an array has no bytes of its own");
  if ((of.of == elements::plain || of.of == elements::structs) && of.element_bytes == 0)
    throw std::invalid_argument("elements of no size");
  if (of.of == elements::structs && (bytes > most_element_bytes || bytes % detail::word_bytes != 0))
    throw std::invalid_argument("elements with references: whole words, and 512 bytes at most");
  if (bytes > most_type_bytes || of.element_bytes > most_type_bytes)
    throw std::invalid_argument("larger than any object");
  for (const field& each : of.fields) {
    if (each.kind == field_kind::plain) continue;
    if (each.offset % detail::word_bytes != 0 || each.offset + detail::word_bytes > bytes)
      throw std::invalid_argument("a reference that is no word of the object");
  }
}

bool uses_list(const type_definition& of) {
  return of.of == elements::none && of.bytes > most_masked_bytes;
}

// The whole description, with all that it points to.
std::size_t description_bytes(const type_definition& of) {
  std::size_t bytes = sizeof(loaded_type) + of.fields.size() * sizeof(field) + of.name.size() + 1;
  for (const field& each : of.fields) bytes += std::strlen(each.name) + 1;
  if (uses_list(of)) bytes += of.fields.size() * sizeof(std::uint32_t);
  return detail::whole_words(bytes);
}

// A description under way: the rest of its bytes.
class filler {
 public:
  explicit filler(void* at) : at_(static_cast<std::byte*>(at)) {}
  template <class T>
  T* take(std::size_t count) {
    auto* taken = reinterpret_cast<T*>(at_);
    at_ += count * sizeof(T);
    return taken;
  }
  const char* copy(std::string_view text) {
    char* to = take<char>(text.size() + 1);
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    to[text.size()] = '\0';
    return to;
  }

 private:
  std::byte* at_;
};

void name_field_of(const type& of, std::size_t offset, const detail::field_text& into) {
  for (const field& each : fields_of(of)) {
    if (each.kind == field_kind::reference && each.offset == offset) into << each.name;
  }
}

// An object of a loader's type has an edge more than its fields, so that none is shape::leaf.
void fill_map(loaded_type& made, const type_definition& of, filler& rest) {
  auto* offsets = uses_list(of) ? rest.take<std::uint32_t>(of.fields.size()) : nullptr;
  for (const field& each : of.fields) {
    if (each.kind == field_kind::plain) continue;
    if (uses_list(of))
      offsets[made.offset_count++] = each.offset;
    else
      made.mask |= std::uint64_t{1} << (each.offset / detail::word_bytes);
  }
  made.offsets = offsets;
  switch (of.of) {
    case elements::none:
      // A word at least: an object's address lies inside of its block.
      made.bytes = static_cast<std::uint32_t>(
          base::larger(detail::whole_words(of.bytes), detail::word_bytes));
      made.kind = uses_list(of) ? shape::listed : shape::masked;
      return;
    case elements::references:
      made.kind = shape::ref_array;
      made.element_bytes = detail::word_bytes;
      break;
    case elements::plain:
    case elements::structs:
      made.kind = shape::struct_array;
      made.element_bytes = static_cast<std::uint32_t>(of.element_bytes);
      break;
  }
  made.bytes = detail::word_bytes;
}

}  // namespace

bool metaspace::open(std::size_t most_bytes) {
  std::lock_guard guard{lock_};
  if (chunks_.is_open()) return true;
  std::size_t most_types = most_bytes / least_type_bytes + 1;
  return ids_.open(most_types) && free_ids_.open(most_types) && chunks_.open(most_bytes);
}

std::size_t metaspace::soft_limit() {
  std::lock_guard guard{lock_};
  return soft_limit_;
}

metaspace_statistics metaspace::statistics() {
  std::lock_guard guard{lock_};
  metaspace_statistics now = statistics_;
  now.used_bytes = chunks_.used_bytes();
  now.held_bytes = chunks_.held_bytes();
  return now;
}

// ---- Loaders

detail::loader_data* metaspace::make(std::size_t limit) {
  std::lock_guard guard{lock_};
  detail::loader_data first;
  if (!add_chunk(first, sizeof(first), limit)) return nullptr;
  auto* data = ::new (bump(first, sizeof(first))) detail::loader_data;
  data->chunks = first.chunks;
  data->cursor = first.cursor;
  data->end = first.end;
  return data;
}

void metaspace::drop(detail::loader_data* data) {
  std::lock_guard guard{lock_};
  free_chunks(data->chunks);
}

void metaspace::bind(detail::loader_data* data, void* mirror) {
  std::lock_guard guard{lock_};
  data->mirror = mirror;
  loaders_.push_back(data);
  ++statistics_.loaders;
  ++statistics_.loaders_made;
}

bool metaspace::add_chunk(detail::loader_data& to, std::size_t least_bytes, std::size_t limit) {
  unsigned order = chunks::order_for(least_bytes + sizeof(chunk_header));
  if (to.chunks != nullptr)
    order = static_cast<unsigned>(
        base::larger(order, base::smaller(to.chunks->order + std::size_t{1}, chunks::top_order)));
  if (chunks_.used_bytes() + chunks::bytes_of(order) > limit) return false;
  void* chunk = chunks_.take(order);
  if (chunk == nullptr) return false;
  to.chunks = ::new (chunk) chunk_header{to.chunks, order};
  to.cursor = static_cast<std::byte*>(chunk) + sizeof(chunk_header);
  to.end = static_cast<std::byte*>(chunk) + chunks::bytes_of(order);
  return true;
}

void* metaspace::bump(detail::loader_data& in, std::size_t bytes) {
  return std::exchange(in.cursor, in.cursor + bytes);
}

void metaspace::free_chunks(chunk_header* first) {
  while (first != nullptr) {
    chunk_header* behind = first->next;
    chunks_.give(first, first->order);
    first = behind;
  }
}

void metaspace::finish(const survivors& of, collected what) {
  if (what != collected::all_objects) return;
  std::lock_guard guard{lock_};
  for (detail::loader_data* at = loaders_.front(); at != nullptr;) {
    detail::loader_data* behind = loaders_.after(at);
    if (!of.keep(at->mirror)) unload(*at);
    at = behind;
  }
  soft_limit_ = base::larger(least_soft_limit, 2 * chunks_.used_bytes());
}

void metaspace::unload(detail::loader_data& data) {
  for (loaded_type* each = data.types; each != nullptr; each = each->next) {
    id_entry& entry = ids_[each->id.index];
    entry.at = nullptr;
    ++entry.generation;
    free_ids_.push(each->id.index);
    --statistics_.types;
  }
  base::list<detail::loader_data>::remove(&data);
  --statistics_.loaders;
  ++statistics_.loaders_unloaded;
  free_chunks(data.chunks);
}

// ---- Types

const type* metaspace::define(detail::loader_data& in, const type_definition& of,
                              std::size_t limit) {
  std::size_t bytes = description_bytes(of);
  std::lock_guard guard{lock_};
  if (static_cast<std::size_t>(in.end - in.cursor) < bytes && !add_chunk(in, bytes, limit))
    return nullptr;
  auto* made = ::new (bump(in, bytes)) loaded_type;
  filler rest{made + 1};
  auto* copies = rest.take<field>(of.fields.size());
  made->fields = std::uninitialized_copy(of.fields.begin(), of.fields.end(), copies) -
                 static_cast<std::ptrdiff_t>(of.fields.size());
  made->field_count = static_cast<std::uint32_t>(of.fields.size());
  fill_map(*made, of, rest);
  for (field& each : std::span{copies, of.fields.size()}) each.name = rest.copy(each.name);
  made->name = rest.copy(of.name);
  made->name_field = &name_field_of;
  made->mirror = &in.mirror;
  made->home = &in;
  number(*made);
  made->next = std::exchange(in.types, made);
  ++statistics_.types;
  return made;
}

void metaspace::number(loaded_type& made) {
  std::uint32_t index;
  if (free_ids_.empty()) {
    index = static_cast<std::uint32_t>(ids_.size());
    ids_.push({nullptr, 0});
  } else {
    index = free_ids_.pop();
  }
  ids_[index].at = &made;
  made.id = {index, ids_[index].generation};
}

const loaded_type* metaspace::find(type_id id) {
  std::lock_guard guard{lock_};
  if (id.index >= ids_.size() || ids_[id.index].generation != id.generation) return nullptr;
  return ids_[id.index].at;
}

// ---- The public face

namespace {

// attempt(limit) until it gives something: first below the soft limit, then below the hard one, each time
// after a full collection.
template <class Attempt>
auto with_room(mutator& self, Attempt attempt) {
  core& of = self.core();
  metaspace& types = of.types();
  std::size_t most = of.options().metaspace_max_bytes;
  if (!types.open(most)) throw metaspace_exhausted();
  if (auto* made = attempt(types, base::smaller(types.soft_limit(), most))) return made;
  self.collect(collection::full);
  if (auto* made = attempt(types, most)) return made;
  throw metaspace_exhausted();
}

}  // namespace

detail::loader_data* detail::make_loader_data(mutator& self) {
  return with_room(self, [](metaspace& of, std::size_t limit) { return of.make(limit); });
}
void detail::drop_loader_data(mutator& self, loader_data* data) noexcept {
  self.core().types().drop(data);
}
void detail::bind_mirror(mutator& self, loader_data* data, void* mirror) {
  self.core().types().bind(data, mirror);
  self.core().weaks().add_slot(&data->mirror);
}
loader* detail::mirror_of(const type& of) {
  return of.mirror == nullptr ? nullptr : static_cast<loader*>(*of.mirror);
}

const type& define_type(const local<loader>& in, const type_definition& of) {
  check(of);
  if (description_bytes(of) > chunks::block_bytes - 4 * base::KiB)
    throw std::length_error("strata::gc: a type's description is longer than 60 KiB");
  return *with_room(in.self(), [&](metaspace& types, std::size_t limit) {
    return types.define(*in->data_, of, limit);
  });
}

std::span<const field> fields_of(const type& of) {
  if (of.mirror == nullptr) return {};
  const auto& loaded = static_cast<const loaded_type&>(of);
  return {loaded.fields, loaded.field_count};
}
type_id id_of(const type& of) {
  return of.mirror == nullptr ? type_id{} : static_cast<const loaded_type&>(of).id;
}
const type* find_type(local<loader>& keeper, type_id id) {
  mutator& self = keeper.self();
  const loaded_type* found = self.core().types().find(id);
  if (found == nullptr) return nullptr;
  keeper = unrooted<loader>(
      self, static_cast<loader*>(detail::strengthened(self, detail::mirror_of(*found))));
  return found;
}
metaspace_statistics metaspace_of(const heap& of) { return of.core().types().statistics(); }

}  // namespace strata::gc
