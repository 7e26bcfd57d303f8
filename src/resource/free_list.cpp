#include <strata/free_list.hpp>

#include "resource/tagged_heap_inl.hpp"

namespace strata::detail {

template class tagged_heap<index_of_fit<fit::first>>;
template class tagged_heap<index_of_fit<fit::next>>;
template class tagged_heap<index_of_fit<fit::best>>;
template class tagged_heap<index_of_fit<fit::segregated>>;

}  // namespace strata::detail
