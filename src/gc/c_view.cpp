// A heap seen from outside, for the C interface.
#include "gc/c_handle.hpp"

using namespace strata::gc;  // NOLINT(google-build-using-namespace)

namespace {

struct write_to {
  strata_gc_write write;
  void* context;
  void operator()(std::string_view text) const { write(text.data(), text.size(), context); }
};

format format_of(int form) { return form == STRATA_GC_JSON ? format::json : format::text; }

}  // namespace

void strata_gc_get_statistics(const strata_gc_heap* heap, strata_gc_statistics* out) {
  heap_statistics now = heap->own.statistics();
  *out = {now.young_collections,
          now.full_collections,
          now.allocated_bytes,
          now.moved_bytes,
          now.promoted_bytes,
          now.live_bytes,
          now.held_bytes,
          now.committed_bytes,
          now.pauses.count(),
          now.pauses.total_ns(),
          now.pauses.quantile_ns(0.5),
          now.pauses.quantile_ns(0.99),
          now.pauses.quantile_ns(0.999),
          now.pauses.longest_ns()};
}

void strata_gc_describe(const strata_gc_heap* heap, int form, strata_gc_write write,
                        void* context) {
  describe(heap->own, write_to{write, context}, format_of(form));
}

int strata_gc_summarize(strata_gc_heap* heap, strata_gc_mutator* self, int form,
                        strata_gc_write write, void* context) {
  return told_by_errno(-1, [&] {
    std::vector<type_summary> rows = self != nullptr ? summarize(self->own) : summarize(heap->own);
    write_summary(rows, write_to{write, context}, format_of(form));
    return 0;
  });
}

int strata_gc_dump_graph(strata_gc_heap* heap, strata_gc_mutator* self, strata_gc_write write,
                         void* context) {
  return told_by_errno(-1, [&] {
    if (self != nullptr)
      dump_graph(self->own, write_to{write, context});
    else
      dump_graph(heap->own, write_to{write, context});
    return 0;
  });
}

int strata_gc_why_alive(strata_gc_mutator* self, void* const* slot, strata_gc_write write,
                        void* context) {
  return told_by_errno(-1, [&] {
    write_to{write, context}(
        detail::why_alive(self->own, reinterpret_cast<const detail::slot*>(slot)).text());
    return 0;
  });
}
