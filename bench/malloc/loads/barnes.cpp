// Gravity among many bodies: few allocations, much arithmetic.
//
// After barnes of the SPLASH-2 programs, the method of Barnes and Hut (1986): space is cut into a
// tree of eighths, and distant bodies act on one as a lump. Bodies and tree lie in a few large
// blocks that grow by doubling. Stresses hardly the allocator at all: it shows what an allocator
// costs a program that does not need it.
#include <algorithm>
#include <cmath>

#include "load.hpp"

namespace {

long body_count = 60000, steps = 4;

struct point {
  double x = 0, y = 0, z = 0;
};

struct body {
  point at, speed, pull;
  double mass = 1;
};

// A cube of space. Below it either eight others, or at most one body.
struct cell {
  point middle, centre_of_mass;
  double half = 0, mass = 0;
  int child = 0;  // index of the first of eight; 0: none
  int body = -1;  // index of the body; -1: none
};

class tree {
 public:
  explicit tree(std::vector<body>& bodies) : bodies_(bodies) {
    cells_.push_back({});
    for (const body& one : bodies) {
      const double farthest =
          std::max({std::fabs(one.at.x), std::fabs(one.at.y), std::fabs(one.at.z)});
      cells_[0].half = std::max(cells_[0].half, 1.01 * farthest);
    }
    for (size_t i = 0; i < bodies.size(); ++i) insert(0, static_cast<int>(i));
    weigh(0);
  }

  void pull_on(body& one, std::vector<int>& waiting) const {
    waiting.assign(1, 0);
    one.pull = {};
    while (!waiting.empty()) {
      const cell& here = cells_[static_cast<size_t>(waiting.back())];
      waiting.pop_back();
      if (here.mass == 0) continue;
      if (here.child == 0 || far(here, one)) {
        attract(one, here);
      } else {
        for (int i = 0; i < 8; ++i) waiting.push_back(here.child + i);
      }
    }
  }

 private:
  static int octant(const cell& here, const point& at) {
    return (at.x > here.middle.x ? 1 : 0) + (at.y > here.middle.y ? 2 : 0) +
           (at.z > here.middle.z ? 4 : 0);
  }

  void split(int index) {
    const int first = static_cast<int>(cells_.size());
    cells_.resize(cells_.size() + 8);
    cell& here = cells_[static_cast<size_t>(index)];
    here.child = first;
    for (int i = 0; i < 8; ++i) {
      cell& below = cells_[static_cast<size_t>(first + i)];
      below.half = here.half / 2;
      below.middle = {here.middle.x + (i & 1 ? below.half : -below.half),
                      here.middle.y + (i & 2 ? below.half : -below.half),
                      here.middle.z + (i & 4 ? below.half : -below.half)};
    }
  }

  int child_of(int index, int body_index) const {
    const cell& here = cells_[static_cast<size_t>(index)];
    return here.child + octant(here, bodies_[static_cast<size_t>(body_index)].at);
  }

  void insert(int index, int body_index) {
    for (;;) {
      cell& here = cells_[static_cast<size_t>(index)];
      if (here.child == 0 && here.body < 0) {
        here.body = body_index;
        return;
      }
      if (here.child == 0) {
        const int other = here.body;
        here.body = -1;
        split(index);
        cells_[static_cast<size_t>(child_of(index, other))].body = other;
      }
      index = child_of(index, body_index);
    }
  }

  void weigh(int index) {
    cell& here = cells_[static_cast<size_t>(index)];
    if (here.body >= 0) {
      here.mass = bodies_[static_cast<size_t>(here.body)].mass;
      here.centre_of_mass = bodies_[static_cast<size_t>(here.body)].at;
    }
    if (here.child == 0) return;
    for (int i = 0; i < 8; ++i) {
      weigh(here.child + i);
      const cell& below = cells_[static_cast<size_t>(here.child + i)];
      here.mass += below.mass;
      here.centre_of_mass.x += below.mass * below.centre_of_mass.x;
      here.centre_of_mass.y += below.mass * below.centre_of_mass.y;
      here.centre_of_mass.z += below.mass * below.centre_of_mass.z;
    }
    here.centre_of_mass.x /= here.mass;
    here.centre_of_mass.y /= here.mass;
    here.centre_of_mass.z /= here.mass;
  }

  static double distance_squared(const point& a, const point& b) {
    const double x = a.x - b.x, y = a.y - b.y, z = a.z - b.z;
    return x * x + y * y + z * z;
  }

  static bool far(const cell& here, const body& one) {
    return 4 * here.half * here.half < 0.5 * distance_squared(here.centre_of_mass, one.at);
  }

  static void attract(body& one, const cell& here) {
    // Softened, so that bodies that meet, or are the same, do no harm.
    const double squared = distance_squared(here.centre_of_mass, one.at) + 0.0025;
    const double strength = here.mass / (squared * std::sqrt(squared));
    one.pull.x += strength * (here.centre_of_mass.x - one.at.x);
    one.pull.y += strength * (here.centre_of_mass.y - one.at.y);
    one.pull.z += strength * (here.centre_of_mass.z - one.at.z);
  }

  std::vector<body>& bodies_;
  std::vector<cell> cells_;
};

std::vector<body> make_bodies() {
  load::random random(1);
  std::vector<body> bodies(static_cast<size_t>(body_count));
  for (body& one : bodies) {
    const auto draw = [&random] { return random.next() / 2147483648.0 - 1; };
    one.at = {draw(), draw(), draw()};
    one.mass = 1.0 / static_cast<double>(body_count);
  }
  return bodies;
}

void move(body& one) {
  constexpr double time = 0.01;
  one.speed = {one.speed.x + time * one.pull.x, one.speed.y + time * one.pull.y,
               one.speed.z + time * one.pull.z};
  one.at = {one.at.x + time * one.speed.x, one.at.y + time * one.speed.y,
            one.at.z + time * one.speed.z};
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv, {{"bodies", &body_count, 2}, {"steps", &steps}});
  std::vector<body> bodies = make_bodies();
  for (long step = 0; step < steps; ++step) {
    const tree all(bodies);
    std::vector<int> waiting;
    for (body& one : bodies) all.pull_on(one, waiting);
    for (body& one : bodies) move(one);
  }
  for (const body& one : bodies) {
    if (!std::isfinite(one.at.x + one.at.y + one.at.z)) load::fail("a body has left the world");
  }
  return 0;
}
