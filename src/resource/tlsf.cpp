#include <strata/tlsf.hpp>

#include "resource/tagged_heap_inl.hpp"

namespace strata::detail {

template class tagged_heap<good_lists>;

}  // namespace strata::detail
