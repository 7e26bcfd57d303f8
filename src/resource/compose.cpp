#include <strata/compose.hpp>  // all of it is inline; this compiles it alone
