#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tools/bench/speed_report.hpp"

namespace regroup::tools {
namespace {

// Okabe and Ito's colours, which colour-blind people can tell apart.
constexpr std::array<const char*, 4> kColours = {"#0072B2", "#E69F00", "#009E73", "#CC79A7"};
constexpr double kWidth = 300, kHeight = 220;  // of the plot of a panel
constexpr double kLeft = 62, kTop = 34, kBottom = 64, kGap = 24;

// A decade grid that takes in all values.
struct Axis {
  int first = 0, last = 1;  // powers of ten
  double place(double value, double length) const {
    return (std::log10(value) - first) / (last - first) * length;
  }
};

template <class Value>
Axis axis_of(std::span<const GrowthCurve* const> curves, Value value) {
  double low = 1e300, high = 1e-300;
  for (const GrowthCurve* curve : curves)
    for (const GrowthCurve::Point& point : curve->points) {
      low = std::min(low, value(point));
      high = std::max(high, value(point));
    }
  Axis axis{static_cast<int>(std::floor(std::log10(low))),
            static_cast<int>(std::ceil(std::log10(high)))};
  if (axis.last == axis.first) ++axis.last;
  return axis;
}

std::string power(int exponent) {
  constexpr std::array<const char*, 4> kSmall = {"1", "10", "100", "1000"};
  if (exponent >= 0 && exponent < static_cast<int>(kSmall.size()))
    return kSmall[static_cast<std::size_t>(exponent)];
  return fmt::format("10<tspan dy=\"-5\" font-size=\"9\">{}</tspan>", exponent);
}

std::string panel(std::span<const GrowthCurve* const> curves, double left) {
  const Axis xs = axis_of(curves, [](const auto& point) { return point.x; });
  const Axis ys = axis_of(curves, [](const auto& point) { return point.ns_per_event; });
  std::string text = fmt::format("<g transform=\"translate({},{})\">\n", left + kLeft, kTop);
  text += fmt::format("<text x=\"0\" y=\"-12\" font-weight=\"bold\">ns per event, by {}</text>\n",
                      curves.front()->title);
  for (int x = xs.first; x <= xs.last; ++x) {
    const double at = xs.place(std::pow(10, x), kWidth);
    text += fmt::format(
        "<path d=\"M{0:.1f} 0V{1}\" stroke=\"#ddd\"/><text x=\"{0:.1f}\" y=\"{2}\" "
        "text-anchor=\"middle\">{3}</text>\n",
        at, kHeight, kHeight + 18, power(x));
  }
  for (int y = ys.first; y <= ys.last; ++y) {
    const double at = kHeight - ys.place(std::pow(10, y), kHeight);
    text += fmt::format(
        "<path d=\"M0 {0:.1f}H{1}\" stroke=\"#ddd\"/><text x=\"-8\" y=\"{2:.1f}\" "
        "text-anchor=\"end\">{3}</text>\n",
        at, kWidth, at + 4, power(y));
  }
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const char* const colour = kColours[i % kColours.size()];
    std::string line;
    for (const GrowthCurve::Point& point : curves[i]->points) {
      const double x = xs.place(point.x, kWidth);
      const double y = kHeight - ys.place(point.ns_per_event, kHeight);
      line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", x, y);
      text +=
          fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", x, y, colour);
    }
    text += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", line,
                        colour);
    text += fmt::format("<text x=\"{:.0f}\" y=\"{}\" fill=\"{}\">{}</text>\n",
                        static_cast<double>(i) * 100, kHeight + 40, colour, curves[i]->policy);
  }
  return text + "</g>\n";
}

}  // namespace

std::string growth_svg(std::span<const GrowthCurve> curves) {
  std::vector<std::vector<const GrowthCurve*>> panels;
  for (const GrowthCurve& curve : curves) {
    const auto same = [&](const auto& panel) { return panel.front()->title == curve.title; };
    const auto found = std::ranges::find_if(panels, same);
    if (found != panels.end())
      found->push_back(&curve);
    else
      panels.push_back({&curve});
  }
  const double panel_width = kLeft + kWidth + kGap;
  const double width = static_cast<double>(panels.size()) * panel_width;
  const double height = kTop + kHeight + kBottom;
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 "
      "0 {0:.0f} {1:.0f}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" "
      "height=\"100%\" fill=\"white\"/>\n",
      width, height);
  double left = 0;
  for (const auto& one : panels) {
    text += panel(one, left);
    left += panel_width;
  }
  return text + "</svg>\n";
}

}  // namespace regroup::tools
