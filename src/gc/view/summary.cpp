// What is alive, by type.
#include <algorithm>
#include <unordered_map>

#include "gc/view/names.hpp"
#include "gc/view/walk.hpp"
#include "gc/view/writer.hpp"
#include "strata/gc/view.hpp"

namespace strata::gc {
namespace {

std::vector<type_summary> summarize(core& of, record* self) {
  std::vector<type_summary> rows;
  {
    still_world guard{of, self};
    std::unordered_map<const type*, type_summary> by_type;
    walk{of}.run([&](void* object, type& its) {
      type_summary& sum = by_type[&its];
      ++sum.objects;
      sum.bytes += object_bytes(object, its);
    });
    for (auto& [its, sum] : by_type) {
      sum.name = name_of(*its);
      rows.push_back(std::move(sum));
    }
  }
  std::sort(rows.begin(), rows.end(), [](const type_summary& a, const type_summary& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.name < b.name;
  });
  return rows;
}

void write_text(writer& out, const std::vector<type_summary>& rows) {
  type_summary all;
  out.print("%12s %14s  %s\n", "objects", "bytes", "type");
  for (const type_summary& each : rows) {
    out.print("%12zu %14zu  ", each.objects, each.bytes);
    out << each.name << "\n";
    all.objects += each.objects;
    all.bytes += each.bytes;
  }
  out.print("%12zu %14zu  all\n", all.objects, all.bytes);
}

void write_json(writer& out, const std::vector<type_summary>& rows) {
  out << "{\"version\": 1, \"types\": [";
  const char* between = "\n ";
  for (const type_summary& each : rows) {
    out << between << "{\"name\": ";
    out.quoted(each.name) << ", \"objects\": " << each.objects << ", \"bytes\": " << each.bytes
                          << "}";
    between = ",\n ";
  }
  out << "]}\n";
}

}  // namespace

std::vector<type_summary> summarize(heap& of) { return summarize(of.core(), nullptr); }
std::vector<type_summary> summarize(mutator& self) {
  return summarize(self.core(), static_cast<record*>(self.record()));
}

void write_summary(const std::vector<type_summary>& rows, sink to, format as) {
  writer out{to};
  if (as == format::json)
    write_json(out, rows);
  else
    write_text(out, rows);
  out.flush();
}

}  // namespace strata::gc
