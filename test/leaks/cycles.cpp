// Owners that keep each other alive, one way a name: leaks_test.py knows what is found of each.
#include <cstring>
#include <list>
#include <memory>
#include <vector>

#include <strata/rc.hpp>

#define APART __attribute__((noinline))

namespace {

struct ring {
  int key = 0;
  std::shared_ptr<ring> next;
};
APART std::shared_ptr<ring> make_ring(int key) {
  auto made = std::make_shared<ring>();
  made->key = key;
  return made;
}
APART void two() {
  auto first = make_ring(1);
  auto second = make_ring(2);
  first->next = second;
  second->next = first;
}
APART void five() {
  std::shared_ptr<ring> first = make_ring(0);
  std::shared_ptr<ring> last = first;
  for (int i = 1; i < 5; ++i) {
    last->next = make_ring(i);
    last = last->next;
  }
  last->next = first;
}
APART void many() {
  for (int i = 0; i < 100; ++i) two();
}
APART void itself() {
  auto only = make_ring(1);
  only->next = only;
}
APART void separate() {
  std::shared_ptr<ring> first(new ring);
  std::shared_ptr<ring> second(new ring);
  first->next = second;
  second->next = first;
}

struct parent;
struct child {
  long number = 0;
  std::shared_ptr<parent> owner;
};
struct parent {
  std::vector<std::shared_ptr<child>> children;
  char name[16] = {};
};
APART void parent_and_children() {
  auto top = std::make_shared<parent>();
  for (int i = 0; i < 3; ++i) {
    top->children.push_back(std::make_shared<child>());
    top->children.back()->owner = top;
  }
}

struct calm_parent;
struct calm_child {
  std::weak_ptr<calm_parent> owner;
};
struct calm_parent : std::enable_shared_from_this<calm_parent> {
  std::list<std::shared_ptr<calm_child>> children;
};
// Lost, but no cycle of owners: the parent's own pointer was lost.
APART void weak() {
  auto* lost = new std::shared_ptr<calm_parent>(std::make_shared<calm_parent>());
  for (int i = 0; i < 2; ++i) {
    (*lost)->children.push_back(std::make_shared<calm_child>());
    (*lost)->children.back()->owner = *lost;
  }
}

struct counted {
  struct {
    int unused = 0;
    strata::rc<counted> other;
  } links[2];
};
APART void own_counts() {
  auto first = strata::make_rc<counted>();
  auto second = strata::make_rc<counted>();
  first->links[1].other = second;
  second->links[0].other = first;
}

}  // namespace

int main(int count, char** values) {
  struct {
    const char* name;
    void (*run)();
  } const programs[] = {{"two", two},
                        {"five", five},
                        {"many", many},
                        {"itself", itself},
                        {"weak", weak},
                        {"separate", separate},
                        {"own_counts", own_counts},
                        {"parent_and_children", parent_and_children}};
  for (const auto& one : programs) {
    if (count == 2 && std::strcmp(one.name, values[1]) == 0) one.run();
  }
}
