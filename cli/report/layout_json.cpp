// The figures of `strata layout` as JSON.
#include "cli/report/json.hpp"
#include "cli/report/layout_report.hpp"

namespace strata::cli {
namespace {

using layout::byte_bits;
using layout::field;
using layout::field_kind;
using layout::record;

const char* word_of(layout::language spoken) {
  switch (spoken) {
    case layout::language::c:
      return "C";
    case layout::language::cpp:
      return "C++";
    case layout::language::rust:
      return "Rust";
    case layout::language::other:
      break;
  }
  return "other";
}

const char* word_of(field_kind kind) {
  switch (kind) {
    case field_kind::base:
      return "base";
    case field_kind::virtual_base:
      return "virtual base";
    case field_kind::vtable:
      return "vtable";
    case field_kind::data:
      break;
  }
  return "data";
}

json_value field_json(const field& one) {
  const bool is_placed = one.kind != field_kind::virtual_base;
  json_value made = {{"name", one.name}, {"type", one.type}, {"kind", word_of(one.kind)}};
  made["offset_bytes"] = is_placed ? json_value(one.offset_bits / byte_bits) : json_value();
  made["size_bytes"] = one.is_bitfield ? one.unit_bytes : one.size_bits / byte_bits;
  if (one.is_bitfield) {
    made["bit_offset"] = one.offset_bits;
    made["bit_size"] = one.size_bits;
  }
  made["alignment_bytes"] = one.alignment;
  if (!one.is_size_known) made["size_guessed"] = true;
  if (one.is_variant) made["variant"] = true;
  made["crosses_cache_line"] = is_placed && layout::crosses_cache_line(one);
  return made;
}

json_value gaps_json(const weighed_record& of) {
  json_value list = json_value::array();
  for (const layout::gap& one : of.waste.gaps) {
    const bool is_padding = one.before == of.what->fields.size();
    list.push_back({{"kind", is_padding ? "padding" : "hole"},
                    {"bit_offset", one.offset_bits},
                    {"bit_size", one.size_bits}});
  }
  return list;
}

json_value better_json(const weighed_record& of) {
  if (!of.better) return {};
  json_value order = json_value::array();
  for (const std::size_t index : of.better->fields) order.push_back(index);
  return {
      {"size_bytes", of.better->size_bytes}, {"saved_bytes", of.saved_bytes()}, {"order", order}};
}

json_value live_json(const weighed_record& of) {
  return {{"objects", of.live.objects},
          {"objects_by_source", of.live.by_source},
          {"saved_bytes", of.saved_at_peak()}};
}

json_value record_json(const weighed_record& of, bool is_recorded) {
  const record& one = *of.what;
  json_value fields = json_value::array();
  for (const field& each : one.fields) fields.push_back(field_json(each));
  const std::uint64_t line = layout::cache_line_bytes;
  json_value made = {{"name", one.name},
                     {"kind", name_of(one.kind)},
                     {"language", word_of(one.written_in)},
                     {"file", one.file},
                     {"line", one.line},
                     {"units", one.units},
                     {"size_bytes", one.size_bytes},
                     {"alignment_bytes", one.alignment},
                     {"packed", one.is_packed},
                     {"cache_lines", (one.size_bytes + line - 1) / line},
                     {"wasted_bytes", of.waste.bytes()},
                     {"holes", of.waste.holes},
                     {"hole_bytes", of.waste.hole_bytes},
                     {"bit_holes", of.waste.bit_holes},
                     {"bit_hole_bits", of.waste.bit_hole_bits},
                     {"padding_bytes", of.waste.padding_bytes},
                     {"bit_padding_bits", of.waste.bit_padding_bits},
                     {"nested_wasted_bytes", of.nested_waste_bytes},
                     {"fields", fields},
                     {"gaps", gaps_json(of)},
                     {"better", better_json(of)},
                     {"notes", layout::order_notes(one)}};
  if (is_recorded) made["at_peak"] = live_json(of);
  return made;
}

}  // namespace

std::string layout_json(const layout_result& result) {
  json_value types = json_value::array();
  const recorded_objects* recorded = result.recorded;
  for (const weighed_record& one : result.records)
    types.push_back(record_json(one, recorded != nullptr));
  json_value document = {{"schema", "strata-layout-1"},
                         {"file", result.file},
                         {"missing_split_units", result.all->missing_units},
                         {"types", types}};
  if (recorded != nullptr) {
    document["recording"] = {{"file", recorded->file},
                             {"peak_bytes", recorded->peak_bytes},
                             {"known_bytes", recorded->known_bytes}};
  }
  return json_text(document);
}

}  // namespace strata::cli
