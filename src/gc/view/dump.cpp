// The graph of a heap as lines of JSON; docs/gc/view.md describes them. Each line is written when the walk
// comes by, so that what the dump needs does not grow with what it writes.
//
//   head, roots ..., (type before its first object, object) ..., sums
#include <bit>
#include <unordered_map>

#include "gc/view/names.hpp"
#include "gc/view/walk.hpp"
#include "gc/view/writer.hpp"
#include "strata/gc/view.hpp"

namespace strata::gc {
namespace {

class dump {
 public:
  dump(core& of, const sink& to) : core_(of), out_(to) {}

  void run() {
    out_ << "{\"strata_heap_graph\": 1, \"plan\": ";
    out_.quoted(name_of(core_.options().plan))
        << ", \"header_bytes\": " << std::uint64_t{header::bytes} << "}\n";
    each_root_place(core_, nullptr,
                    [this](void* object, const root_place& place) { put_root(object, place); });
    walk{core_}.run([this](void* object, type& of) { put_object(object, of); });
    out_ << "{\"sum\": {\"objects\": " << objects_ << ", \"bytes\": " << bytes_
         << ", \"references\": " << references_ << ", \"roots\": " << roots_
         << ", \"types\": " << std::uint64_t{types_.size()} << "}}\n";
    out_.flush();
  }

 private:
  void put_root(void* object, const root_place& place) {
    ++roots_;
    out_ << "{\"root\": \"" << name_of(place.kind) << "\"";
    if (place.kind != root_kind::global) out_ << ", \"mutator\": " << place.mutator;
    out_ << ", \"slot\": " << place.slot;
    if (place.name[0] != '\0') (out_ << ", \"name\": ").quoted(place.name);
    out_ << ", \"to\": " << base::address_of(object) << "}\n";
  }

  std::size_t number_of(type& of) {
    auto [at, is_new] = types_.emplace(&of, types_.size());
    if (!is_new) return at->second;
    out_ << "{\"type\": " << at->second << ", \"name\": ";
    out_.quoted(name_of(of)) << ", \"shape\": \"" << name_of(shape_of(of)) << "\"";
    if (of.element_bytes != 0) out_ << ", \"element_bytes\": " << std::uint64_t{of.element_bytes};
    put_fields(of);
    if (of.mirror != nullptr && *of.mirror != nullptr)
      out_ << ", \"loader\": " << base::address_of(*of.mirror);
    out_ << "}\n";
    return at->second;
  }
  // The names of an object's fields, or of an array's elements', by offset.
  void put_fields(type& of) {
    if (of.name_field == nullptr) return;
    if (shape_of(of) == shape::unresolved) of.resolve(of);
    out_ << ", \"fields\": [";
    const char* between = "";
    auto put = [&](std::size_t offset) {
      out_ << between << "[" << offset << ", ";
      out_.quoted(member_name(of, offset)) << "]";
      between = ", ";
    };
    if (shape_of(of) == shape::listed) {
      for (std::uint32_t at = 0; at < of.offset_count; ++at) put(of.offsets[at]);
    } else {
      for (std::uint64_t mask = of.mask; mask != 0; mask &= mask - 1)
        put(static_cast<std::size_t>(std::countr_zero(mask)) * detail::word_bytes);
    }
    out_ << "]";
  }

  void put_object(void* object, type& of) {
    std::size_t number = number_of(of);
    std::size_t bytes = object_bytes(object, of);
    ++objects_;
    bytes_ += bytes;
    out_ << "{\"object\": " << base::address_of(object) << ", \"type\": " << number
         << ", \"bytes\": " << bytes;
    if (of.element_bytes != 0) out_ << ", \"count\": " << *static_cast<std::size_t*>(object);
    begin_row(", \"to\": [");
    each_field(object, of, [&](void** field) { put_reference(object, field); });
    end_row();
    begin_row(", \"weakly\": [");
    each_weak_field(object, of, [&](void** field) { put_reference(object, field); });
    end_row();
    out_ << "}\n";
  }
  // A row without entries is not written.
  void begin_row(const char* opening) {
    between_ = opening;
    row_begins_ = references_;
  }
  void end_row() {
    if (references_ != row_begins_) out_ << "]";
  }
  void put_reference(void* object, void** field) {
    if (!is_reference(*field)) return;
    ++references_;
    std::size_t offset = base::address_of(field) - base::address_of(object);
    out_ << between_ << "[" << offset << ", " << base::address_of(*field) << "]";
    between_ = ", ";
  }

  core& core_;
  writer out_;
  std::unordered_map<const type*, std::size_t> types_;
  const char* between_ = "";
  std::uint64_t row_begins_ = 0;
  std::uint64_t objects_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t references_ = 0;
  std::uint64_t roots_ = 0;
};

}  // namespace

void dump_graph(heap& of, sink to) {
  still_world guard{of.core(), nullptr};
  dump{of.core(), to}.run();
}
void dump_graph(mutator& self, sink to) {
  still_world guard{self.core(), static_cast<record*>(self.record())};
  dump{self.core(), to}.run();
}

}  // namespace strata::gc
