// How the allocator starts and how threads leave it in builds with a sanitizer, in place of
// src/entry/process.cpp: there a thread leaves in the last round of its destructors. By then
// ThreadSanitizer has closed its books on the thread, and crashes on whatever that still does.
// Here it leaves in the first round, for the model allocates nothing in destructors. Of the rest of
// process.cpp the operations have no need.
#include <pthread.h>

#include "alloc/allocate.hpp"
#include "alloc/clock.hpp"
#include "alloc/thread_cache.hpp"
#include "entry/process.hpp"

namespace {

pthread_key_t exit_key;

void thread_exits(void*) { strata::alloc::thread_registry::leave(); }

__attribute__((constructor)) void process_starts() { strata::alloc::start(); }

}  // namespace

namespace strata::alloc {

void process_started() { pthread_key_create(&exit_key, thread_exits); }
void thread_started() { pthread_setspecific(exit_key, &exit_key); }

}  // namespace strata::alloc

// malloc.cpp asks for it, to have process.cpp linked.
void strata::entry::publish_statistics() {}
