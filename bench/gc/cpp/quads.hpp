// Images as quad trees, and operations on them that make new images: Hunter and Steiglitz described them
// ('Operations on images using quad trees'), Samet made them known, and Olden's `perimeter` and Whippet's
// `quads` brought them to memory management. A gallery holds images; each operation hangs a new one in
// the place of another.
//
// Stresses: objects that live neither short nor long; whole structures of thousands of objects that die
// together, at random ages; nodes wider than those of binary trees.
//
// SIZE: images. COUNT: operations, in hundreds.
#pragma once

#include "bench.hpp"

namespace bench {

template <class Memory>
class quads {
  using mutator = typename Memory::mutator;

  // Black or white, or mixed, with quadrants:  0 1
  //                                            2 3
  enum class colour : std::int64_t { white, black, mixed };
  struct quad {
    std::array<typename Memory::template ref<quad>, 4> quadrants;
    colour shade = colour::white;
  };
  using local = typename Memory::template local<quad>;
  using arg = typename Memory::template arg<quad>;
  using result = typename Memory::template result<quad>;
  using gallery = typename Memory::template array<typename Memory::template ref<quad>>;

 public:
  quads(typename Memory::heap&, mutator& self, std::size_t size, std::size_t count)
      : size_(size), operations_(count * 100), images_{self, nullptr} {
    images_ = self.template make<gallery>(size);
    for (std::size_t i = 0; i < size; ++i) {
      local made = disc(self);
      (*images_)[i] = made;
    }
  }

  std::uint64_t pass(mutator& self, histogram& operations) {
    checksum sum;
    stopwatch watch(operations);
    for (std::size_t i = 0; i < operations_; ++i) {
      local made = operation(self, i);
      sum.add(area(made.get(), side));
      auto& place = random_image();
      drop(self, place.get());
      place = made;
      watch.lap();
    }
    return sum.sum();
  }

  void drop(mutator& self) {
    for (std::size_t i = 0; i < size_; ++i) drop(self, (*images_)[i].get());
    if constexpr (Memory::by_hand) self.release(images_);
  }

 private:
  static constexpr std::int64_t side = 256;

  struct circle {
    std::int64_t x, y, radius;
  };

  result operation(mutator& self, std::size_t number) {
    // Every other image is a new one: what is combined again and again becomes noise.
    if (number % 2 == 0) return disc(self);
    local first{self, random_image()};
    if (number % 8 == 7) return turned(self, first);
    local second{self, random_image()};
    return exclusive_or(self, first, second);
  }
  auto& random_image() { return (*images_)[random_.below(size_)]; }

  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(random_.below(static_cast<std::size_t>(bound)));
  }
  result disc(mutator& self) {
    circle shape{.x = below(side), .y = below(side), .radius = 0};
    shape.radius = side / 8 + below(side / 4);
    return painted(self, shape, 0, 0, side);
  }
  // Of the square at (x, y) what the circle covers.
  result painted(mutator& self, const circle& shape, std::int64_t x, std::int64_t y,
                 std::int64_t width) {
    std::int64_t near_x = std::clamp(shape.x, x, x + width - 1) - shape.x;
    std::int64_t near_y = std::clamp(shape.y, y, y + width - 1) - shape.y;
    std::int64_t reach = shape.radius * shape.radius;
    if (near_x * near_x + near_y * near_y > reach) return plain(self, colour::white);
    std::int64_t far_x = std::max(std::abs(x - shape.x), std::abs(x + width - 1 - shape.x));
    std::int64_t far_y = std::max(std::abs(y - shape.y), std::abs(y + width - 1 - shape.y));
    if (far_x * far_x + far_y * far_y <= reach) return plain(self, colour::black);
    std::int64_t half = width / 2;
    local first = painted(self, shape, x, y, half);
    local second = painted(self, shape, x + half, y, half);
    local third = painted(self, shape, x, y + half, half);
    local fourth = painted(self, shape, x + half, y + half, half);
    return joined(self, first, second, third, fourth);
  }

  // Black where one of the two is, and not the other.
  static result exclusive_or(mutator& self, arg a, arg b) {
    if (a->shade != colour::mixed && b->shade != colour::mixed)
      return plain(self, a->shade == b->shade ? colour::white : colour::black);
    local first = quadrant_of_both(self, a, b, 0);
    local second = quadrant_of_both(self, a, b, 1);
    local third = quadrant_of_both(self, a, b, 2);
    local fourth = quadrant_of_both(self, a, b, 3);
    return joined(self, first, second, third, fourth);
  }
  // What is of one colour is so in each quadrant.
  static result quadrant_of_both(mutator& self, arg a, arg b, std::size_t quadrant) {
    local of_a = a, of_b = b;
    if (a->shade == colour::mixed) of_a = a->quadrants[quadrant];
    if (b->shade == colour::mixed) of_b = b->quadrants[quadrant];
    return exclusive_or(self, of_a, of_b);
  }

  // By a quarter, clockwise.
  static result turned(mutator& self, arg image) {
    if (image->shade != colour::mixed) return plain(self, image->shade);
    local first = turned_quadrant(self, image, 2);
    local second = turned_quadrant(self, image, 0);
    local third = turned_quadrant(self, image, 3);
    local fourth = turned_quadrant(self, image, 1);
    return joined(self, first, second, third, fourth);
  }
  static result turned_quadrant(mutator& self, arg image, std::size_t quadrant) {
    local part{self, image->quadrants[quadrant]};
    return turned(self, part);
  }

  static result plain(mutator& self, colour shade) {
    local made = self.template make<quad>();
    made->shade = shade;
    return made;
  }

  static std::int64_t area(const quad* image, std::int64_t width) {
    if (image->shade == colour::white) return 0;
    if (image->shade == colour::black) return width * width;
    std::int64_t sum = 0;
    for (auto& quadrant : image->quadrants) sum += area(quadrant.get(), width / 2);
    return sum;
  }

  // Four quadrants of one colour are an image of that colour.
  static result joined(mutator& self, arg first, arg second, arg third, arg fourth) {
    colour shade = first->shade;
    if (shade != colour::mixed && second->shade == shade && third->shade == shade &&
        fourth->shade == shade) {
      for (quad* one : {second.get(), third.get(), fourth.get()}) drop(self, one);
      return first;
    }
    local made = self.template make<quad>();
    made->shade = colour::mixed;
    made->quadrants[0] = first;
    made->quadrants[1] = second;
    made->quadrants[2] = third;
    made->quadrants[3] = fourth;
    return made;
  }

  static void drop(mutator& self, quad* image) {
    if constexpr (Memory::by_hand) {
      if (image->shade == colour::mixed)
        for (auto& quadrant : image->quadrants) drop(self, quadrant.get());
      self.release(image);
    }
  }

  std::size_t size_;
  std::size_t operations_;
  typename Memory::template global<gallery> images_;
  draw random_{4713};
};

}  // namespace bench
