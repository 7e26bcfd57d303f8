// What reports call things.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "gc/object_inl.hpp"
#include "strata/gc/heap.hpp"
#include "strata/gc/type.hpp"
#include "strata/gc/view.hpp"

namespace strata::gc {

inline constexpr std::array all_plans = {plan::semispace,
                                         plan::mark_sweep,
                                         plan::immix,
                                         plan::generational,
                                         plan::generational_concurrent,
                                         plan::lisp2,
                                         plan::compressor,
                                         plan::two_finger};
const char* name_of(plan one);
const char* name_of(shape one);
const char* name_of(root_kind one);
// As the compiler writes it, without our namespace, which all have; or as the runtime has named it.
std::string name_of(const type& one);
// The field at a byte offset of an object: "left", "[17]", "[3].to", "inside.next"; "+24" where nobody knows.
std::string field_name(type& of, std::size_t offset);
// The same of an object's field, or of an array's element's.
std::string member_name(const type& of, std::size_t offset);

}  // namespace strata::gc
