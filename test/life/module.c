/* A library for modules.cpp to open: it allocates when it is loaded and for its caller. */
#include "check.h"

static size_t* own_block;

__attribute__((constructor)) static void on_load(void) { own_block = make_filled(3000); }
__attribute__((destructor)) static void on_unload(void) { free_filled(own_block); }

void* module_make(size_t size) { return make_filled(size); }
void module_free(void* block) { free_filled((size_t*)block); }
