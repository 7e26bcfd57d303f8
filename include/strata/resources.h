/* Strata's resources in C: memory for one part of a program. Library: libstrata_resources.
 *
 *   strata_resource                    whatever gives blocks and takes them back
 *     made of upstream or a buffer     bump, four fits, TLSF, bitmap, buddy
 *     made of upstream                 slab, pools, synchronized pools; malloc; functions of your own
 *     made of resources                limited, synchronized, fallback, segregator, ...: composers
 *   strata_buffer_pool                 buffers out of a bounded number of bytes, with waiting
 *   strata_buffer_arena                I/O buffers of any size for many threads; shared, sliced
 *   strata_direct_budget               whole pages from the system, under a budget
 *   strata_object_pool                 objects that are dear to make, kept between uses
 *   strata_stack_pool                  stacks for fibers
 *   strata_account                     who uses how much, and who may use how much more
 *
 * The C++ headers of the same names (strata/bump.hpp ...) tell how each works, its invariants and who
 * found it; here is what a caller needs. What has no meaning in C is not here: owners (box, rc, arc), whose
 * counting is in destructors, coroutines, and containers' allocators. An intrusive count is an atomic
 * integer in a structure of your own; buffers of an arena bring theirs.
 *
 * Common to all
 *   units      what ends in _bytes is bytes, in _ns nanoseconds, in _ms milliseconds
 *   options    a null pointer: all defaults. A field that is 0 has its default, which its comment
 *              tells; so options begin as {0}. Where 0 itself has a meaning, STRATA_NONE says it
 *   upstream   where memory comes from: a resource that outlives what is made with it, or null for libc's
 *              malloc. What calls upstream from many threads at once says so
 *   errors     a null pointer or -1, and errno: ENOMEM no memory, EINVAL an argument or option that can't be,
 *              ENOTSUP no such operation in this kind. No C++ exception leaves a function
 *   threads    create and destroy: nobody else uses it. Other operations: one thread at a time, unless
 *              the kind says any
 *   callbacks  throw nothing; they get the `context` that was given with them
 *   misuse     that is noticed stops the process with one line on stderr (docs/hardening.md). Null is
 *              ignored where something is destroyed, released or deallocated
 */
#ifndef STRATA_RESOURCES_H
#define STRATA_RESOURCES_H

#include <strata/buffers.h>
#include <strata/resource.h>
#include <strata/reused.h>

#endif
