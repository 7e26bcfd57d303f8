// dlopen without RTLD_DEEPBIND.
//
// A module loaded with that flag binds malloc and free to libc's own, and then exchanges blocks with
// the rest of the program, which has ours: Debian's PHP dies of it under other allocators. So the
// flag is taken away. dlopen looks at its caller (for $ORIGIN, run paths and namespaces), so this
// one (in dlopen.S) leaves the return address as it is and jumps on.
#include <dlfcn.h>

#include "base/check.hpp"

namespace strata::entry {

// What new.cpp needs when libstdc++ came later than we did; null when it is not there.
void* find_in_cpp_library(const char* name);
void* find_in_cpp_library(const char* name) {
  void* library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
  return library == nullptr ? nullptr : dlsym(library, name);
}

}  // namespace strata::entry

extern "C" {

__attribute__((visibility("hidden"))) void* strata_real_dlopen = nullptr;

__attribute__((visibility("hidden"), used)) void strata_find_dlopen() {
  strata_real_dlopen = dlsym(RTLD_NEXT, "dlopen");
  STRATA_CHECK(strata_real_dlopen != nullptr);
}
}

static_assert(RTLD_DEEPBIND == 8, "dlopen.S knows it");
