// Factors a number by continued fractions: millions of tiny blocks that live shortly.
//
// After cfrac by Dave Barrett, long used to compare allocators (Grunwald, Zorn and Henderson, 1993):
// an interpreter-like library of whole numbers in which each result is a new block. The method is
// that of Morrison and Brillhart (1975): the convergents A(n) of the fraction of sqrt(N) give
// A(n)^2 = ±Q(n) mod N with small Q(n); those Q(n) that fall apart into small primes are combined
// to a square by elimination mod 2, and two squares that agree mod N give a factor. Stresses
// blocks of 16 to 64 bytes, freed soon after, by one thread.
//
// The number is the product of the parameters p and q, both primes.
#include <algorithm>
#include <utility>

#include "load.hpp"

namespace {

long p = 1000000000000037, q = 1000000000000091, base_primes = 300;

// A whole number, not negative: digits of 16 bits, the lowest first, without leading zeros, in a
// block of its own. Every operation makes a new one.
class number {
 public:
  explicit number(uint64_t value = 0) : number(size_t{4}, nullptr) {
    for (size_t i = 0; i < 4; ++i) digits()[i] = static_cast<uint16_t>(value >> (16 * i));
    trim();
  }
  number(number&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  number& operator=(number&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~number() { std::free(block_); }

  // A copy is a block too, and asked for by name.
  number copy() const {
    number same(size(), nullptr);
    std::copy_n(digits(), size(), same.digits());
    return same;
  }

  bool zero() const { return size() == 0; }
  uint64_t low() const {
    uint64_t value = 0;
    for (size_t i = 0; i < std::min<size_t>(size(), 4); ++i) {
      value |= static_cast<uint64_t>(digits()[i]) << (16 * i);
    }
    return value;
  }

  friend int compare(const number& a, const number& b) {
    if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
    for (size_t i = a.size(); i-- > 0;) {
      if (a.digits()[i] != b.digits()[i]) return a.digits()[i] < b.digits()[i] ? -1 : 1;
    }
    return 0;
  }

  friend number operator+(const number& a, const number& b) {
    if (a.size() < b.size()) return b + a;
    number sum(a.size() + 1, nullptr);
    uint32_t carry = 0;
    for (size_t i = 0; i <= a.size(); ++i) {
      carry += a.digit(i) + b.digit(i);
      sum.digits()[i] = static_cast<uint16_t>(carry);
      carry >>= 16;
    }
    return std::move(sum.trim());
  }

  // a - b, where b is not above a.
  friend number operator-(const number& a, const number& b) {
    number difference(a.size(), nullptr);
    int32_t borrow = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      borrow += static_cast<int32_t>(a.digit(i)) - static_cast<int32_t>(b.digit(i));
      difference.digits()[i] = static_cast<uint16_t>(borrow);
      borrow = borrow < 0 ? -1 : 0;
    }
    return std::move(difference.trim());
  }

  friend number operator*(const number& a, const number& b) {
    number product(a.size() + b.size(), nullptr);
    std::fill_n(product.digits(), product.size(), uint16_t{0});
    for (size_t i = 0; i < a.size(); ++i) {
      uint32_t carry = 0;
      for (size_t k = 0; k < b.size(); ++k) {
        carry += product.digits()[i + k] + static_cast<uint32_t>(a.digit(i)) * b.digit(k);
        product.digits()[i + k] = static_cast<uint16_t>(carry);
        carry >>= 16;
      }
      product.digits()[i + b.size()] = static_cast<uint16_t>(carry);
    }
    return std::move(product.trim());
  }

  // Quotient and remainder by a divisor below 2^16.
  friend std::pair<number, uint32_t> divide_small(const number& a, uint32_t divisor) {
    number quotient(a.size(), nullptr);
    uint32_t rest = 0;
    for (size_t i = a.size(); i-- > 0;) {
      rest = rest << 16 | a.digit(i);
      quotient.digits()[i] = static_cast<uint16_t>(rest / divisor);
      rest %= divisor;
    }
    return {std::move(quotient.trim()), rest};
  }

  // Quotient and remainder, by long division in bits above the divisor's: simple, and the quotients
  // of continued fractions are short.
  friend std::pair<number, number> divide(const number& a, const number& b) {
    number quotient(0);
    number rest = a.copy();
    while (compare(rest, b) >= 0) {
      const size_t distance = rest.bits() - b.bits();
      number part = b.shifted(distance);
      size_t shift = distance;
      if (compare(part, rest) > 0) part = b.shifted(--shift);
      rest = rest - part;
      quotient = quotient + number(1).shifted(shift);
    }
    return {std::move(quotient), std::move(rest)};
  }

 private:
  struct block {
    uint32_t size;
    uint16_t digits[2];
  };

  number(size_t size, std::nullptr_t)
      : block_(reinterpret_cast<block*>(
            load::allocate(sizeof(block) + std::max<size_t>(size, 2) * sizeof(uint16_t)))) {
    block_->size = static_cast<uint32_t>(size);
  }

  size_t size() const { return block_->size; }
  uint16_t* digits() { return block_->digits; }
  const uint16_t* digits() const { return block_->digits; }
  uint32_t digit(size_t i) const { return i < size() ? digits()[i] : 0; }

  number& trim() {
    while (block_->size > 0 && digits()[block_->size - 1] == 0) --block_->size;
    return *this;
  }

  size_t bits() const {
    if (zero()) return 0;
    const uint32_t top = digits()[size() - 1];
    return 16 * size() - static_cast<size_t>(__builtin_clz(top) - 16);
  }

  number shifted(size_t count) const {
    const size_t whole = count / 16;
    number result(size() + whole + 1, nullptr);
    std::fill_n(result.digits(), whole, uint16_t{0});
    uint32_t carry = 0;
    for (size_t i = 0; i <= size(); ++i) {
      carry |= digit(i) << (count % 16);
      result.digits()[whole + i] = static_cast<uint16_t>(carry);
      carry >>= 16;
    }
    return std::move(result.trim());
  }

  block* block_;
};

number modulo(const number& a, const number& b) { return divide(a, b).second; }

number common_divisor(number a, number b) {
  while (!b.zero()) {
    number rest = modulo(a, b);
    a = std::move(b);
    b = std::move(rest);
  }
  return a;
}

// The largest whole number whose square is not above the argument (Newton's method).
number root(const number& square) {
  number guess(1);
  while (compare(guess * guess, square) <= 0) guess = guess + guess;
  for (;;) {
    number better = divide_small(guess + divide(square, guess).first, 2).first;
    if (compare(better, guess) >= 0) return guess;
    guess = std::move(better);
  }
}

uint32_t power_modulo(uint64_t base, uint32_t exponent, uint32_t prime) {
  uint64_t result = 1;
  for (base %= prime; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = result * base % prime;
    base = base * base % prime;
  }
  return static_cast<uint32_t>(result);
}

// 2, and the odd primes mod which N is a square: no other can divide a Q.
std::vector<uint32_t> factor_base(const number& n) {
  std::vector<uint32_t> primes{2};
  for (uint32_t candidate = 3; primes.size() < static_cast<size_t>(base_primes); candidate += 2) {
    bool prime = true;
    for (uint32_t d = 3; d * d <= candidate && prime; d += 2) prime = candidate % d != 0;
    if (!prime) continue;
    const uint32_t rest = divide_small(n, candidate).second;
    if (power_modulo(rest, (candidate - 1) / 2, candidate) == 1) primes.push_back(candidate);
  }
  return primes;
}

// A^2 = (-1)^exponents[0] × product of primes[i]^exponents[i + 1], mod N.
struct relation {
  number a;
  std::vector<uint32_t> exponents;
  std::vector<bool> combined;  // of which relations it is the product
};

bool falls_apart(const number& value, const std::vector<uint32_t>& primes,
                 std::vector<uint32_t>& exponents) {
  number rest = value.copy();
  for (size_t i = 0; i < primes.size(); ++i) {
    for (;;) {
      auto [quotient, remainder] = divide_small(rest, primes[i]);
      if (remainder != 0) break;
      ++exponents[i + 1];
      rest = std::move(quotient);
    }
  }
  return compare(rest, number(1)) == 0;
}

// The fraction's recurrences; `found` gets the relations.
void expand(const number& n, const std::vector<uint32_t>& primes, std::vector<relation>& found) {
  const number g = root(n);
  number p_now(0), q_now(1), part = g.copy();
  number a_before(1), a_now = g.copy();
  for (bool negative = true; found.size() < primes.size() + 10; negative = !negative) {
    number p_next = part * q_now - p_now;
    number q_next = divide(n - p_next * p_next, q_now).first;
    std::vector<uint32_t> exponents(primes.size() + 1, 0);
    exponents[0] = negative;
    if (falls_apart(q_next, primes, exponents)) {
      found.push_back({a_now.copy(), std::move(exponents), {}});
    }
    part = divide(g + p_next, q_next).first;
    number a_next = modulo(part * a_now + a_before, n);
    p_now = std::move(p_next);
    q_now = std::move(q_next);
    a_before = std::move(a_now);
    a_now = std::move(a_next);
  }
}

// Both sides of a product of relations whose exponents are all even; their difference shares a
// factor with N, or all of it.
number factor_of(const number& n, const std::vector<uint32_t>& primes,
                 const std::vector<relation>& relations, const std::vector<bool>& combined) {
  number left(1), right(1);
  std::vector<uint32_t> exponents(primes.size() + 1, 0);
  for (size_t i = 0; i < relations.size(); ++i) {
    if (!combined[i]) continue;
    left = modulo(left * relations[i].a, n);
    for (size_t k = 0; k < exponents.size(); ++k) exponents[k] += relations[i].exponents[k];
  }
  for (size_t k = 1; k < exponents.size(); ++k) {
    const number prime(primes[k - 1]);
    for (uint32_t i = 0; i < exponents[k] / 2; ++i) right = modulo(right * prime, n);
  }
  return common_divisor(n.copy(), left + (n - right));
}

// Gauss, mod 2: clears column after column; rows that become zero are squares.
number solve(const number& n, const std::vector<uint32_t>& primes,
             std::vector<relation>& relations) {
  std::vector<std::vector<bool>> rows;
  for (size_t i = 0; i < relations.size(); ++i) {
    std::vector<bool>& row = rows.emplace_back();
    for (const uint32_t exponent : relations[i].exponents) row.push_back(exponent % 2 != 0);
    relations[i].combined.assign(relations.size(), false);
    relations[i].combined[i] = true;
  }
  std::vector<bool> pivot(rows.size(), false);
  for (size_t column = 0; column <= primes.size(); ++column) {
    size_t chosen = 0;
    while (chosen < rows.size() && (pivot[chosen] || !rows[chosen][column])) ++chosen;
    if (chosen == rows.size()) continue;
    pivot[chosen] = true;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i == chosen || !rows[i][column]) continue;
      for (size_t k = 0; k < rows[i].size(); ++k) rows[i][k] = rows[i][k] != rows[chosen][k];
      std::vector<bool>& combined = relations[i].combined;
      const std::vector<bool>& other = relations[chosen].combined;
      for (size_t k = 0; k < combined.size(); ++k) combined[k] = combined[k] != other[k];
    }
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (pivot[i]) continue;
    number factor = factor_of(n, primes, relations, relations[i].combined);
    if (compare(factor, number(1)) != 0 && compare(factor, n) != 0) return factor;
  }
  return number(1);
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv, {{"p", &p, 3}, {"q", &q, 3}, {"primes", &base_primes, 2}});
  const number n = number(static_cast<uint64_t>(p)) * number(static_cast<uint64_t>(q));
  const std::vector<uint32_t> primes = factor_base(n);
  std::vector<relation> relations;
  expand(n, primes, relations);
  const uint64_t factor = solve(n, primes, relations).low();
  if (factor != static_cast<uint64_t>(p) && factor != static_cast<uint64_t>(q)) {
    load::fail("no factor found");
  }
  return 0;
}
