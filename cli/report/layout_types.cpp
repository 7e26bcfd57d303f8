// One record of `strata layout` as people read it: its fields with their offsets, a picture of its bytes,
// what is wasted, a better order.
//
//   offset  size    field                        bytes  0       8       16      24
//        0     1  a flag: bool                          a...bbbbcccccccc
#include <algorithm>

#include "cli/report/format.hpp"
#include "cli/report/layout_report.hpp"

namespace strata::cli {
namespace {

using layout::byte_bits;
using layout::field;
using layout::field_kind;
using layout::gap;
using layout::record;

constexpr std::uint64_t pictured_bytes_max = 1024;
constexpr int deepest = 8;  // of nested records

std::string counted(std::uint64_t number, const char* what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

std::string size_text(std::uint64_t bits) {
  return bits % byte_bits == 0 ? counted(bits / byte_bits, "byte") : counted(bits, "bit");
}

// The letter that stands for a field in the picture.
char letter_of(std::size_t index) {
  static constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  return letters[index % letters.size()];
}

std::string offset_text(const field& one, std::uint64_t base_bits) {
  if (one.kind == field_kind::virtual_base) return "?";
  const std::uint64_t bits = base_bits + one.offset_bits;
  const std::string bytes = std::to_string(bits / byte_bits);
  return one.is_bitfield ? bytes + ":" + std::to_string(bits % byte_bits) : bytes;
}

std::string field_text(const field& one) {
  switch (one.kind) {
    case field_kind::base:
      return one.type + " (base)";
    case field_kind::virtual_base:
      return one.type + " (virtual base)";
    case field_kind::vtable:
      return "vtable pointer";
    case field_kind::data:
      break;
  }
  const std::string name = one.name.empty() ? "" : one.name + ": ";
  return name + one.type + (one.is_variant ? " (variant)" : "");
}

std::string row(const std::string& offset, const std::string& size, char letter,
                const std::string& text) {
  return pad_left(offset, 9) + pad_left(size, 9) + "  " + letter + " " + text + "\n";
}

class record_text {
 public:
  record_text(const weighed_record& of, const layout::catalogue& all, nested_fields expand,
              const style& look)
      : of_(of), what_(*of.what), all_(all), expand_(expand), look_(look) {}

  std::string whole() {
    return head() + fields() + picture() + wasted() + lines() + better() + live() + notes();
  }

 private:
  std::string head() const {
    const std::string name = what_.name.empty() ? "(anonymous)" : what_.name;
    std::string text = look_.heading(name) + "\n  " + name_of(what_.kind) + ", " +
                       counted(what_.size_bytes, "byte") + ", aligned to " +
                       std::to_string(what_.alignment);
    if (!what_.file.empty()) text += formatted(", %s:%llu", what_.file.c_str(), number(what_.line));
    return text + "\n\n";
  }

  static unsigned long long number(std::uint64_t value) { return value; }

  std::string gap_row(const gap& one) const {
    const bool is_padding = one.before == what_.fields.size();
    return look_.paint(
        colour::yellow,
        row("", "", '.', (is_padding ? "padding: " : "hole: ") + size_text(one.size_bits)));
  }

  std::string fields() const {
    std::string text = look_.paint(colour::dim, row("offset", "size", ' ', "field"));
    auto next_gap = of_.waste.gaps.begin();
    const auto gaps_before = [&](std::size_t index) {
      std::string rows;
      for (; next_gap != of_.waste.gaps.end() && next_gap->before == index; ++next_gap) {
        rows += gap_row(*next_gap);
      }
      return rows;
    };
    for (std::size_t i = 0; i < what_.fields.size(); ++i) {
      text += gaps_before(i) + field_row(what_.fields[i], letter_of(i), 0, 0);
    }
    return text + gaps_before(what_.fields.size());
  }

  std::string field_row(const field& one, char letter, std::uint64_t base_bits, int depth) const {
    const std::string size = one.is_bitfield ? ":" + std::to_string(one.size_bits)
                                             : std::to_string(one.size_bits / byte_bits);
    const std::string guessed = one.is_size_known ? "" : " (size guessed)";
    const std::string crossing = depth == 0 && crosses_cache_line(one)
                                     ? look_.paint(colour::red, "  crosses a cache line")
                                     : "";
    std::string text = row(offset_text(one, base_bits), size, letter,
                           std::string(static_cast<std::size_t>(2 * depth), ' ') + field_text(one) +
                               guessed + crossing);
    const bool is_shown = one.nested != layout::no_record && depth < deepest &&
                          (expand_ == nested_fields::all || one.name.empty()) &&
                          one.kind == field_kind::data;
    if (!is_shown) return text;
    for (const field& inner : all_.records[one.nested].fields) {
      text += field_row(inner, ' ', base_bits + one.offset_bits, depth + 1);
    }
    return text;
  }

  // A letter a byte, a row a cache line. Of bytes that fields share, the last field's letter.
  std::string picture() const {
    if (what_.is_union() || what_.size_bytes == 0) return {};
    const std::uint64_t shown = std::min(what_.size_bytes, pictured_bytes_max);
    std::string bytes(shown, '.');
    const auto is_virtual = [](const field& one) { return one.kind == field_kind::virtual_base; };
    if (std::any_of(what_.fields.begin(), what_.fields.end(), is_virtual)) {
      bytes.assign(shown, '?');  // it may lie anywhere behind the fields
    }
    for (std::size_t i = 0; i < what_.fields.size(); ++i) {
      const field& one = what_.fields[i];
      if (one.kind == field_kind::virtual_base) continue;
      const std::uint64_t end = std::min((one.end_bits() + byte_bits - 1) / byte_bits, shown);
      for (std::uint64_t at = one.offset_bits / byte_bits; at < end; ++at) bytes[at] = letter_of(i);
    }
    std::string text = "\n";
    for (std::uint64_t at = 0; at < shown; at += layout::cache_line_bytes) {
      std::string line = bytes.substr(at, layout::cache_line_bytes);
      for (std::size_t k = 56; k > 0; k -= 8) {
        if (k < line.size()) line.insert(k, " ");
      }
      text += pad_left(std::to_string(at), 9) + " |" + line + "|\n";
    }
    if (shown < what_.size_bytes) {
      text += formatted("          and %llu bytes more\n", number(what_.size_bytes - shown));
    }
    return text;
  }

  std::string wasted() const {
    const layout::waste& waste = of_.waste;
    std::vector<std::string> parts;
    if (waste.holes > 0) {
      parts.push_back(counted(waste.holes, "hole") + " (" + counted(waste.hole_bytes, "byte") +
                      ")");
    }
    if (waste.bit_holes > 0) {
      parts.push_back(counted(waste.bit_holes, "hole") + " between bit-fields (" +
                      counted(waste.bit_hole_bits, "bit") + ")");
    }
    if (waste.padding_bytes > 0)
      parts.push_back(counted(waste.padding_bytes, "byte") + " of padding");
    if (waste.bit_padding_bits > 0) {
      parts.push_back(counted(waste.bit_padding_bits, "bit") + " behind bit-fields");
    }
    std::string text = "\n  wasted       ";
    if (parts.empty()) text += "nothing";
    for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : ", ") + parts[i];
    if (of_.nested_waste_bytes > 0) {
      text += "; inside the fields " + counted(of_.nested_waste_bytes, "byte");
    }
    return text + "\n";
  }

  std::string lines() const {
    const std::uint64_t lines =
        (what_.size_bytes + layout::cache_line_bytes - 1) / layout::cache_line_bytes;
    return "  cache lines  " + std::to_string(lines) + " of 64 bytes, if it starts at one\n";
  }

  std::string better() const {
    if (!of_.better) return {};
    std::string text =
        formatted("  better       %s, %llu less, in this order:\n",
                  counted(of_.better->size_bytes, "byte").c_str(), number(of_.saved_bytes()));
    std::string line = "              ";
    const auto& order = of_.better->fields;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const field& one = what_.fields[order[i]];
      const bool unnamed = one.name.empty() || one.kind != field_kind::data;
      const std::string word =
          " " + (unnamed ? field_text(one) : one.name) + (i + 1 < order.size() ? "," : "");
      if (columns_of(line + word) > look_.width) {
        text += line + "\n";
        line = "              ";
      }
      line += word;
    }
    return text + look_.paint(colour::green, line) + "\n";
  }

  std::string live() const {
    if (of_.live.objects <= 0) return {};
    return "  at the peak  " + format_count(of_.live.objects) + " of them; another order saves " +
           format_size(rounded(of_.saved_at_peak())) + "\n";
  }

  std::string notes() const {
    std::string text;
    for (const std::string& note : layout::order_notes(what_)) {
      text += (text.empty() ? "  note         " : "               ") + note + "\n";
    }
    return text;
  }

  const weighed_record& of_;
  const record& what_;
  const layout::catalogue& all_;
  nested_fields expand_;
  const style& look_;
};

}  // namespace

std::string layout_types_text(const layout_result& result, nested_fields expand,
                              const style& look) {
  std::string text;
  if (result.records.size() > 1) {
    text += formatted("%zu types are called %s.\n\n", result.records.size(), result.type.c_str());
  }
  for (const weighed_record& one : result.records) {
    if (&one != &result.records.front()) text += "\n";
    text += record_text(one, *result.all, expand, look).whole();
  }
  return text;
}

}  // namespace strata::cli
