// A picture for a browser (SVG), drawn from the top down.
#pragma once

#include <span>
#include <string>

namespace strata::cli {

class picture {
 public:
  static constexpr double width = 1200;
  static constexpr double margin = 20;
  static constexpr double inner = width - 2 * margin;

  struct point {
    double x = 0;
    double y = 0;
  };

  void heading(const std::string& text);
  void label(double x, const std::string& text, const char* more = "");
  // With a tooltip, unless that is empty.
  void box(double x, double y, double w, double h, const char* fill, const std::string& tooltip);
  // The area within the points.
  void area(std::span<const point> points, const char* fill, const std::string& tooltip);

  double y() const { return y_; }
  void down(double by) { y_ += by; }
  std::string whole() const;

 private:
  void end_shape(const char* name, const std::string& tooltip);

  std::string body_;
  double y_ = 0;
};

}  // namespace strata::cli
