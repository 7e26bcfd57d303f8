#include "cli/model/layout/gaps.hpp"

#include <algorithm>
#include <utility>

namespace strata::cli::layout {
namespace {

// Up to where the unit of the bit-field reaches.
std::uint64_t unit_end_bits(const field& one) {
  const std::uint64_t unit = one.unit_bytes * byte_bits;
  if (!one.is_bitfield || unit == 0) return one.end_bits();
  return one.offset_bits / unit * unit + unit;
}

// Collects the gaps of one record while its fields pass by.
class sweep {
 public:
  sweep(waste& into, const record& of)
      : into_(into), field_count_(of.fields.size()), size_bits_(of.size_bytes * byte_bits) {}

  // Everything up to `to` that is not yet covered is a gap in front of field `before`.
  void gap_to(std::uint64_t to, std::size_t before) {
    if (to <= covered_) return;
    const std::uint64_t unit_end = std::clamp(unit_end_, covered_, to);
    add({before, covered_, unit_end - covered_, true});
    add({before, unit_end, to - unit_end, false});
  }
  void cover(const field& one) {
    if (one.end_bits() >= covered_) {
      covered_ = one.end_bits();
      unit_end_ = unit_end_bits(one);
    }
  }
  void cover_all() { covered_ = std::max(covered_, size_bits_); }

 private:
  void add(const gap& one) {
    if (one.size_bits == 0) return;
    into_.gaps.push_back(one);
    const bool is_padding = one.before == field_count_;
    if (one.in_unit) {
      (is_padding ? into_.bit_padding_bits : into_.bit_hole_bits) += one.size_bits;
      if (!is_padding) ++into_.bit_holes;
    } else if (is_padding) {
      into_.padding_bytes += one.size_bits / byte_bits;
    } else {
      into_.hole_bytes += one.size_bits / byte_bits;
      ++into_.holes;
    }
  }

  waste& into_;
  std::size_t field_count_;
  std::uint64_t size_bits_;
  std::uint64_t covered_ = 0;
  std::uint64_t unit_end_ = 0;
};

// Sums from the innermost records outwards, each once.
class nested_sums {
 public:
  explicit nested_sums(const catalogue& all)
      : all_(all), sums_(all.records.size()), is_done_(all.records.size()) {
    for (std::size_t i = 0; i < sums_.size(); ++i) sum_of(i);
  }
  std::vector<std::uint64_t> take() { return std::move(sums_); }

 private:
  std::uint64_t sum_of(std::size_t index) {
    if (is_done_[index]) return sums_[index];
    const record& one = all_.records[index];
    std::uint64_t sum = 0;
    for (const field& each : one.fields) {
      if (each.nested == no_record || each.size_bits == 0 || each.is_variant) continue;
      const std::uint64_t here =
          each.count * (waste_of(all_.records[each.nested]).bytes() + sum_of(each.nested));
      sum = one.is_union() ? std::max(sum, here) : sum + here;
    }
    is_done_[index] = true;
    return sums_[index] = sum;
  }

  const catalogue& all_;
  std::vector<std::uint64_t> sums_;
  std::vector<bool> is_done_;
};

}  // namespace

waste waste_of(const record& of) {
  waste result;
  sweep over(result, of);
  std::size_t i = 0;
  for (; i < of.fields.size(); ++i) {
    const field& one = of.fields[i];
    if (one.kind == field_kind::virtual_base) {
      over.cover_all();  // the rest belongs to it
      continue;
    }
    over.gap_to(one.offset_bits, i);
    over.cover(one);
  }
  over.gap_to(of.size_bytes * byte_bits, i);
  return result;
}

std::vector<std::uint64_t> nested_waste_bytes(const catalogue& all) {
  return nested_sums(all).take();
}

bool crosses_cache_line(const field& one) {
  if (one.size_bits == 0 || one.size_bits > cache_line_bytes * byte_bits) return false;
  const std::uint64_t line_bits = cache_line_bytes * byte_bits;
  return one.offset_bits / line_bits != (one.end_bits() - 1) / line_bits;
}

}  // namespace strata::cli::layout
