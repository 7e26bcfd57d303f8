// An intrusive circular doubly linked list: elements derive from list_node<Tag>, one Tag for each
// list they may be in at once, and nothing is allocated. A node in no list points to itself, so
// that unlinking is always safe. A list of zeros is empty: it may lie in memory that nobody writes
// before the first push.
//
//   head <-> a <-> b <-> head
#pragma once

namespace strata::base {

template <typename Tag>
struct list_node {
  list_node* next = this;
  list_node* previous = this;

  [[nodiscard]] bool linked() const { return next != this; }
  void unlink() {
    next->previous = previous;
    previous->next = next;
    next = previous = this;
  }
};

template <typename T, typename Tag = T>
class list {
 public:
  using node = list_node<Tag>;

  constexpr list() = default;
  list(const list&) = delete;
  list& operator=(const list&) = delete;

  [[nodiscard]] bool empty() const { return head_.next == nullptr || !head_.linked(); }
  [[nodiscard]] T* front() const { return empty() ? nullptr : static_cast<T*>(head_.next); }
  // The element after this one; null at the end.
  [[nodiscard]] T* after(const T* element) const {
    node* next = static_cast<const node*>(element)->next;
    return next == &head_ ? nullptr : static_cast<T*>(next);
  }

  void push_front(T* element) {
    close();
    link(element, head_.next);
  }
  void push_back(T* element) {
    close();
    link(element, &head_);
  }
  static void remove(T* element) { static_cast<node*>(element)->unlink(); }

 private:
  void close() {
    if (head_.next == nullptr) head_.next = head_.previous = &head_;
  }
  static void link(node* added, node* before) {
    added->next = before;
    added->previous = before->previous;
    before->previous->next = added;
    before->previous = added;
  }

  node head_{nullptr, nullptr};
};

}  // namespace strata::base
