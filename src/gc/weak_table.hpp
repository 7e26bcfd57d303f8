// What lies beside the heap and refers to its objects without keeping them alive: the intern tables, the
// owners of off-heap memory, the loaders of types. Each is told of every collection when all that lives has
// been reached: it forgets what has died, and follows what has moved.
//
//   weak_set.finish --> table.finish(survivors) --> survivors.keep(object) for each entry
//
// The world is stopped meanwhile.
#pragma once

#include "base/list.hpp"

namespace strata::gc {

enum class collected { young_objects, all_objects };

// A space as weak_set knows it, behind two pointers to functions: tables are no templates.
class survivors {
 public:
  template <class Space>
  explicit survivors(Space& space)
      : space_(&space),
        keep_([](void* of, void*& object) { return static_cast<Space*>(of)->keep(object); }),
        is_young_(
            [](void* of, void* object) { return static_cast<Space*>(of)->is_young(object); }) {}

  // False when it has died; otherwise the reference is updated if it has moved.
  bool keep(void*& object) const { return keep_(space_, object); }
  // After the collection; of one that lives.
  [[nodiscard]] bool is_young(void* object) const { return is_young_(space_, object); }

 private:
  void* space_;
  bool (*keep_)(void*, void*&);
  bool (*is_young_)(void*, void*);
};

class weak_table : public base::list_node<weak_table> {
 public:
  weak_table() = default;
  weak_table(const weak_table&) = delete;
  weak_table& operator=(const weak_table&) = delete;
  virtual void finish(const survivors& of, collected what) = 0;

 protected:
  ~weak_table() = default;
};

}  // namespace strata::gc
