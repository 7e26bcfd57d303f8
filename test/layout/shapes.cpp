// Types of every shape, and a program that tells the truth about them, a line each:
//
//   type NAME SIZE ALIGNMENT
//   field NAME FIELD FIRST_BIT BITS
//
// Where a bit-field lies is found by setting it in an object of zeros.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace shapes {

struct nothing {};
struct holes {
  char a;
  long b;
  char c;
  int d;
  short e;
};
struct bits {
  unsigned a : 3;
  unsigned b : 20;
  unsigned : 0;
  unsigned char c : 2;
  unsigned long d : 33;
  unsigned long e : 7;
};
struct bits_behind_byte {
  char a;
  unsigned b : 20;
  unsigned c : 20;
  long d;
};
struct __attribute__((packed)) packed {
  char a;
  long b;
  short c;
};
struct alignas(64) own_line {
  int a;
};
struct inner_types {
  char a;
  struct inside {
    char b;
    double c;
  } d[3];
  union {
    char e;
    long f;
  };
  std::string g;
  int (*h)(void*, ...);
  int holes::*i;
  void (inner_types::*j)();
  long double k;
  decltype(nullptr) l;
};
struct open_end {
  long a;
  char b;
  long c[];
};
struct polymorphic {
  virtual ~polymorphic() = default;
  int a;
  char b;
};
struct in_tail : polymorphic {
  char c;
  long d;
};
struct two_bases : nothing, holes, polymorphic {
  char e2;
};
struct virtual_base : virtual polymorphic {
  int x;
};
struct shares_place {
  [[no_unique_address]] nothing a;
  int b;
  nothing c;
};
template <typename T>
struct pair_of {
  T first;
  char between;
  T second;
};
struct label {
  char text[8];
};
struct long_one {
  char a[60];
  label b;
  char c[130];
  double d;
};
union either {
  char a[9];
  long b;
  struct {
    int c, d;
  } e;
};
enum class small : std::uint8_t { one };
struct enums {
  small a;
  enum { two, three } b;
  small c;
};

// GCC defines classes with virtual functions only where it makes objects of them.
polymorphic one;
in_tail two;
two_bases three;
virtual_base four;

}  // namespace shapes

namespace {
namespace other {
struct holes {  // another of that name
  char a;
  int b;
};
}  // namespace other

template <typename T>
void type(const char* name) {
  std::printf("type %s %zu %zu\n", name, sizeof(T), alignof(T));
}

template <typename T, typename Set>
void bit_field(const char* name, const char* field, Set set) {
  T object;
  std::memset(&object, 0, sizeof object);
  set(object);
  std::size_t first = 0;
  std::size_t count = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&object);
  for (std::size_t i = sizeof object * 8; i-- > 0;) {
    if ((bytes[i / 8] >> (i % 8) & 1) == 0) continue;
    first = i;
    ++count;
  }
  std::printf("field %s %s %zu %zu\n", name, field, first, count);
}

}  // namespace

#define TYPE(T) type<T>(#T)
#define FIELD(T, f)                                                \
  std::printf("field %s %s %zu %zu\n", #T, #f, offsetof(T, f) * 8, \
              sizeof(static_cast<T*>(nullptr)->f) * 8)
#define BITS(T, f) bit_field<T>(#T, #f, [](T& object) { object.f = ~0ul; })

int main() {
  using namespace shapes;
  TYPE(shapes::nothing);
  TYPE(shapes::holes);
  FIELD(shapes::holes, a);
  FIELD(shapes::holes, b);
  FIELD(shapes::holes, c);
  FIELD(shapes::holes, d);
  FIELD(shapes::holes, e);
  TYPE(shapes::bits);
  BITS(shapes::bits, a);
  BITS(shapes::bits, b);
  BITS(shapes::bits, c);
  BITS(shapes::bits, d);
  BITS(shapes::bits, e);
  TYPE(shapes::bits_behind_byte);
  BITS(shapes::bits_behind_byte, b);
  BITS(shapes::bits_behind_byte, c);
  FIELD(shapes::bits_behind_byte, d);
  TYPE(shapes::packed);
  FIELD(shapes::packed, b);
  FIELD(shapes::packed, c);
  TYPE(shapes::own_line);
  TYPE(shapes::inner_types);
  FIELD(shapes::inner_types, d);
  FIELD(shapes::inner_types, g);
  FIELD(shapes::inner_types, h);
  FIELD(shapes::inner_types, i);
  FIELD(shapes::inner_types, j);
  FIELD(shapes::inner_types, k);
  FIELD(shapes::inner_types, l);
  TYPE(shapes::inner_types::inside);
  TYPE(shapes::open_end);
  TYPE(shapes::polymorphic);
  FIELD(shapes::polymorphic, a);
  FIELD(shapes::polymorphic, b);
  TYPE(shapes::in_tail);
  FIELD(shapes::in_tail, c);
  FIELD(shapes::in_tail, d);
  TYPE(shapes::two_bases);
  FIELD(shapes::two_bases, e2);
  TYPE(shapes::virtual_base);
  TYPE(shapes::shares_place);
  FIELD(shapes::shares_place, b);
  FIELD(shapes::shares_place, c);
  TYPE(shapes::pair_of<int>);
  FIELD(shapes::pair_of<int>, between);
  FIELD(shapes::pair_of<int>, second);
  TYPE(shapes::pair_of<double>);
  TYPE(shapes::long_one);
  FIELD(shapes::long_one, b);
  FIELD(shapes::long_one, c);
  FIELD(shapes::long_one, d);
  TYPE(shapes::either);
  TYPE(shapes::enums);
  FIELD(shapes::enums, b);
  FIELD(shapes::enums, c);
  type<other::holes>("(anonymous namespace)::other::holes");
  return 0;
}
