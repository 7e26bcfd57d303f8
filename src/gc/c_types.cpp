// Types of the C interface, and what compiled code has to know.
#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <type_traits>

#include "base/check.hpp"
#include "gc/c_handle.hpp"
#include "gc/object_inl.hpp"

using namespace strata::gc;  // NOLINT(google-build-using-namespace)

static_assert(std::is_standard_layout_v<detail::mutator_state>);
static_assert(std::is_standard_layout_v<strata_gc_mutator>);
static_assert(std::is_standard_layout_v<strata_gc_type>);
static_assert(sizeof(detail::slot) == sizeof(void*));
static_assert(sizeof(std::atomic<std::byte*>) == 8 && sizeof(std::atomic<std::uint32_t>) == 4);

namespace {

constexpr std::size_t most_element_bytes = 64 * detail::word_bytes;

bool can_be(const strata_gc_type_options& what) {
  bool is_array = what.element_bytes != 0;
  std::size_t bytes = is_array ? what.element_bytes : what.bytes;
  if (bytes == 0 || (is_array && what.bytes != 0)) return false;
  if (bytes > std::numeric_limits<std::uint32_t>::max() - detail::word_bytes) return false;
  if (what.reference_count == 0) return true;
  if (is_array && (bytes > most_element_bytes || bytes % detail::word_bytes != 0)) return false;
  return std::all_of(what.references, what.references + what.reference_count, [&](std::size_t at) {
    return at % detail::word_bytes == 0 && at + detail::word_bytes <= bytes;
  });
}

void name_field_of(const type& of, std::size_t offset, const detail::field_text& into) {
  const auto& whole = reinterpret_cast<const strata_gc_type&>(of);
  for (std::size_t at = 0; at < whole.field_names.size(); ++at) {
    if (whole.offsets[at] == offset) into << whole.field_names[at];
  }
}

// The references of an object, or of each element.
void map_references(strata_gc_type& made, std::size_t bytes) {
  if (made.offsets.empty()) return;
  bool is_array = made.own.element_bytes != 0;
  if (bytes > most_element_bytes) {
    made.own.kind = shape::listed;
    made.own.offsets = made.offsets.data();
    made.own.offset_count = static_cast<std::uint32_t>(made.offsets.size());
    return;
  }
  for (std::uint32_t at : made.offsets)
    made.own.mask |= std::uint64_t{1} << (at / detail::word_bytes);
  made.own.kind = !is_array                     ? shape::masked
                  : bytes == detail::word_bytes ? shape::ref_array
                                                : shape::struct_array;
}

}  // namespace

strata_gc_type* strata_gc_type_create(const strata_gc_type_options* options) {
  if (options == nullptr || !can_be(*options)) {
    errno = EINVAL;
    return nullptr;
  }
  return told_by_errno(static_cast<strata_gc_type*>(nullptr), [&] {
    auto made = std::make_unique<strata_gc_type>();
    bool is_array = options->element_bytes != 0;
    made->name = options->name != nullptr ? options->name : "";
    for (std::size_t at = 0; at < options->reference_count; ++at) {
      made->offsets.push_back(options->references[at]);
      if (options->field_names != nullptr) made->field_names.emplace_back(options->field_names[at]);
    }
    made->own.name = made->name.c_str();
    if (!made->field_names.empty()) made->own.name_field = &name_field_of;
    made->own.kind = is_array ? shape::leaf_array : shape::leaf;
    made->own.element_bytes = static_cast<std::uint32_t>(options->element_bytes);
    made->own.bytes = static_cast<std::uint32_t>(is_array ? detail::word_bytes
                                                          : detail::whole_words(options->bytes));
    map_references(*made, is_array ? options->element_bytes : options->bytes);
    return made.release();
  });
}

void strata_gc_type_destroy(strata_gc_type* type) { delete type; }

const strata_gc_type* strata_gc_type_of(const void* object) {
  return reinterpret_cast<const strata_gc_type*>(type_of_object(const_cast<void*>(object)));
}

// ---- For just-in-time compilers

void strata_gc_get_jit_info(strata_gc_jit_info* out) {
  STRATA_CHECK(detail::log_bias != 0);
  using state = detail::mutator_state;
  *out = {};
  out->struct_bytes = sizeof *out;
  out->header_bytes = header::bytes;
  out->header_words = header::bytes / detail::word_bytes;
  out->most_inline_bytes = detail::most_small_bytes;
  out->cursor_offset = offsetof(state, cursor);
  out->limit_offset = offsetof(state, limit);
  out->top_offset = offsetof(state, top);
  out->stack_limit_offset = offsetof(state, stack_limit);
  out->lowest_frame_offset = offsetof(state, lowest_frame);
  out->poll_offset = offsetof(state, poll);
  out->frames_offset = offsetof(state, frames);
  out->log_word_shift = 9;
  out->log_bit_shift = 3;
  out->log_bias = detail::log_bias;
}

void strata_gc_header(const strata_gc_type* type, uint64_t out[2]) {
  // As the header's own policy writes it.
  std::uint64_t object[header::bytes / detail::word_bytes + 1] = {};
  header::start(object + header::bytes / detail::word_bytes, &type->own);
  std::copy_n(object, header::bytes / detail::word_bytes, out);
}

void strata_gc_log_field(void* field, void* value) {
  detail::log_field(static_cast<void**>(field), value);
}
