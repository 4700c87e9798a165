#include "tools/schedule_svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "core/errors.hpp"
#include "tools/table.hpp"

namespace regroup::tools {
namespace {

constexpr int kRow = 13;     // pixels a GPU
constexpr int kLeft = 58;    // for the names of GPUs
constexpr int kRight = 20;   // for half of the last label
constexpr int kTitle = 30;   // above a panel
constexpr int kAxis = 26;    // below it
constexpr int kLegend = 30;  // at the top

// Okabe and Ito's colours, which colour-blind people can tell apart.
constexpr std::array<const char*, 7> kColours = {"#0072B2", "#E69F00", "#009E73", "#CC79A7",
                                                 "#56B4E9", "#D55E00", "#F0E442"};

// One CSV file with a heading; fields by name. Enough of RFC 4180 for what replay writes.
class CsvTable {
 public:
  explicit CsvTable(const std::filesystem::path& file) : stream_(file) {
    if (!stream_)
      fail<ConfigError>("{}: cannot be opened; a picture needs what replay --out writes",
                        file.string());
    std::string line;
    std::getline(stream_, line);
    const auto names = split(line);
    for (std::size_t i = 0; i < names.size(); ++i) column_[names[i]] = i;
  }
  bool next() {
    std::string line;
    if (!std::getline(stream_, line)) return false;
    fields_ = split(line);
    return true;
  }
  const std::string& text(const std::string& name) const { return fields_.at(column_.at(name)); }
  double number(const std::string& name) const {
    const std::string& field = text(name);
    double value = 0;
    std::from_chars(field.data(), field.data() + field.size(), value);
    return value;
  }

 private:
  static std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (const char c : line) {
      if (c == '"')
        quoted = !quoted;
      else if (c == ',' && !quoted)
        fields.emplace_back();
      else
        fields.back() += c;
    }
    return fields;
  }
  std::ifstream stream_;
  std::map<std::string, std::size_t> column_;
  std::vector<std::string> fields_;
};

struct Bar {
  double start, end;
  int first_gpu, last_gpu;
  std::string request_class;
  std::string label;
  bool late, denoise;
};

struct Panel {
  RunRow row;
  std::vector<Bar> bars;
  int gpus = 0;
  double end = 0;
};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

// Runs of neighbouring GPUs become one bar each.
void add_bars(Panel& panel, const std::string& gpus, Bar bar) {
  std::vector<int> ids;
  for (const char* at = gpus.data(); at < gpus.data() + gpus.size(); ++at) {
    int id = 0;
    at = std::from_chars(at, gpus.data() + gpus.size(), id).ptr;
    ids.push_back(id);
  }
  std::ranges::sort(ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    bar.first_gpu = bar.last_gpu = ids[i];
    while (i + 1 < ids.size() && ids[i + 1] == bar.last_gpu + 1) bar.last_gpu = ids[++i];
    panel.gpus = std::max(panel.gpus, bar.last_gpu + 1);
    panel.bars.push_back(bar);
  }
}

Panel read_panel(const std::string& directory) {
  Panel panel;
  panel.row = read_row(directory);
  const std::filesystem::path folder(directory);
  std::map<std::string, std::pair<std::string, bool>> requests;  // id -> class, late
  for (CsvTable table(folder / "requests.csv"); table.next();)
    requests[table.text("id")] = {table.text("class"), table.text("violated") == "1"};
  for (CsvTable table(folder / "tasks.csv"); table.next();) {
    const std::string& id = table.text("request");
    const auto& [request_class, late] = requests[id];
    Bar bar{.start = table.number("launch_s"),
            .end = table.number("end_s"),
            .first_gpu = 0,
            .last_gpu = 0,
            .request_class = request_class,
            .label = fmt::format("{} {}: {}, {} steps on GPUs {}", request_class, id,
                                 table.text("stage"), table.text("steps"), table.text("gpus")),
            .late = late,
            .denoise = table.text("kind") == "denoise"};
    panel.end = std::max(panel.end, bar.end);
    add_bars(panel, table.text("gpus"), std::move(bar));
  }
  return panel;
}

class Drawing {
 public:
  Drawing(std::vector<Panel> panels, PictureOptions options)
      : panels_(std::move(panels)), options_(options) {
    double end = 0;
    for (const Panel& panel : panels_) {
      end = std::max(end, panel.end);
      for (const Bar& bar : panel.bars) classes_.push_back(bar.request_class);
    }
    if (options_.to_s <= options_.from_s) options_.to_s = end;
    // "256x256" before "1024x1024"
    std::ranges::sort(classes_, {},
                      [](const std::string& name) { return std::pair(name.size(), name); });
    classes_.erase(std::ranges::unique(classes_).begin(), classes_.end());
  }

  std::string text() {
    int height = kLegend;
    for (const Panel& panel : panels_) height += kTitle + panel.gpus * kRow + kAxis;
    svg_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
        "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
        "<defs><pattern id=\"late\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
        "patternTransform=\"rotate(45)\"><line y2=\"5\" stroke=\"#000\" stroke-opacity=\"0.55\" "
        "stroke-width=\"2.5\"/></pattern></defs>\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
        options_.width, height);
    legend();
    int top = kLegend;
    for (const Panel& panel : panels_) {
      draw(panel, top + kTitle);
      top += kTitle + panel.gpus * kRow + kAxis;
    }
    return svg_ + "</svg>\n";
  }

 private:
  void add(const std::string& line) { svg_ += line + "\n"; }

  double x(double seconds) const {
    const double share = (seconds - options_.from_s) / (options_.to_s - options_.from_s);
    return kLeft + share * (options_.width - kLeft - kRight);
  }

  const char* colour(const std::string& request_class) const {
    const auto found = std::ranges::find(classes_, request_class);
    return kColours[static_cast<std::size_t>(found - classes_.begin()) % kColours.size()];
  }

  void legend() {
    double at = kLeft;
    for (const std::string& name : classes_) {
      add(
          fmt::format("<rect x=\"{:.0f}\" y=\"10\" width=\"14\" height=\"12\" fill=\"{}\"/>"
                      "<text x=\"{:.0f}\" y=\"20\">{}</text>",
                      at, colour(name), at + 19, escaped(name)));
      at += 40 + 7.2 * static_cast<double>(name.size());
    }
    add(
        fmt::format("<rect x=\"{0:.0f}\" y=\"10\" width=\"14\" height=\"12\" fill=\"#ddd\"/>"
                    "<rect x=\"{0:.0f}\" y=\"10\" width=\"14\" height=\"12\" fill=\"url(#late)\"/>"
                    "<text x=\"{1:.0f}\" y=\"20\">misses its deadline</text>",
                    at, at + 19));
  }

  void draw(const Panel& panel, int top) {
    const int height = panel.gpus * kRow;
    add(fmt::format(
        "<text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>"
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">whole run: {:.1f} % SLO violations, "
        "mean latency {:.1f} s</text>",
        kLeft, top - 8, escaped(panel.row.name), options_.width - kRight, top - 8,
        100 * panel.row.slo_violation_rate, panel.row.latency_mean_s));
    add(fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"#f4f4f4\"/>", kLeft,
                    top, options_.width - kLeft - kRight, height));
    for (int gpu = 0; gpu<panel.gpus; gpu += panel.gpus> 16 ? 8 : 1)
      add(fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\" font-size=\"10\">GPU {}</text>",
                      kLeft - 5, top + gpu * kRow + 10, gpu));
    for (const Bar& bar : panel.bars) draw(bar, top);
    axis(top + height);
  }

  void draw(const Bar& bar, int top) {
    const double start = std::max(bar.start, options_.from_s);
    const double end = std::min(bar.end, options_.to_s);
    if (end <= start) return;
    const std::string box =
        fmt::format("x=\"{:.2f}\" y=\"{}\" width=\"{:.2f}\" height=\"{}\"", x(start),
                    top + bar.first_gpu * kRow, std::max(x(end) - x(start), 0.3),
                    (bar.last_gpu - bar.first_gpu + 1) * kRow - 1);
    add(fmt::format(
        "<rect {} fill=\"{}\"{} stroke=\"#fff\" stroke-width=\"0.6\"><title>{}</title></rect>", box,
        colour(bar.request_class), bar.denoise ? "" : " fill-opacity=\"0.55\"",
        escaped(bar.label)));
    if (bar.late) add(fmt::format("<rect {} fill=\"url(#late)\" pointer-events=\"none\"/>", box));
  }

  // A tick at every 1, 2 or 5 times a power of ten seconds, eight or so in all.
  void axis(int y) {
    const double span = options_.to_s - options_.from_s;
    double tick = 1e-3;
    for (int i = 0; span / tick > 10; ++i) tick *= i % 3 == 1 ? 2.5 : 2;
    for (double t = std::ceil(options_.from_s / tick) * tick; t <= options_.to_s + 1e-9; t += tick)
      add(fmt::format(
          "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"#888\"/>"
          "<text x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\" font-size=\"10\">{4:g} s</text>",
          x(t), y, y + 4, y + 15, t));
  }

  std::vector<Panel> panels_;
  PictureOptions options_;
  std::vector<std::string> classes_;
  std::string svg_;
};

}  // namespace

std::string schedule_svg(const std::vector<std::string>& directories, PictureOptions options) {
  std::vector<Panel> panels;
  for (const std::string& directory : directories) panels.push_back(read_panel(directory));
  return Drawing(std::move(panels), options).text();
}

}  // namespace regroup::tools
