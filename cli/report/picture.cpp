#include "cli/report/picture.hpp"

#include "cli/report/format.hpp"

namespace strata::cli {
namespace {

std::string escaped(const std::string& text) {
  std::string made;
  for (const char c : text) {
    switch (c) {
      case '&':
        made += "&amp;";
        break;
      case '<':
        made += "&lt;";
        break;
      case '>':
        made += "&gt;";
        break;
      default:
        // What XML may not hold at all, and what may be no UTF-8, becomes a question mark.
        made +=
            static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e ? '?' : c;
    }
  }
  return made;
}

}  // namespace

void picture::heading(const std::string& text) {
  y_ += 26;
  label(margin, text, "font-weight='bold'");
  y_ += 10;
}

void picture::label(double x, const std::string& text, const char* more) {
  body_ += formatted("<text x='%.1f' y='%.1f' %s>", x, y_, more) + escaped(text) + "</text>\n";
}

void picture::box(double x, double y, double w, double h, const char* fill,
                  const std::string& tooltip) {
  body_ +=
      formatted("<rect x='%.2f' y='%.2f' width='%.2f' height='%.2f' fill='%s'>", x, y, w, h, fill);
  end_shape("rect", tooltip);
}

void picture::area(std::span<const point> points, const char* fill, const std::string& tooltip) {
  body_ += "<polygon points='";
  for (const point& one : points) body_ += formatted("%.1f,%.1f ", one.x, one.y);
  body_ += formatted("' fill='%s'>", fill);
  end_shape("polygon", tooltip);
}

void picture::end_shape(const char* name, const std::string& tooltip) {
  if (!tooltip.empty()) body_ += "<title>" + escaped(tooltip) + "</title>";
  body_ += std::string("</") + name + ">\n";
}

std::string picture::whole() const {
  return formatted(
             "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %.0f %.0f' "
             "font-family='sans-serif' font-size='14'>\n",
             width, y_ + margin) +
         "<rect width='100%' height='100%' fill='white'/>\n" + body_ + "</svg>\n";
}

}  // namespace strata::cli
