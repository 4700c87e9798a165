#include "tools/report/journal_marks.hpp"

#include <charconv>
#include <fstream>
#include <string>
#include <string_view>

#include "core/errors.hpp"

namespace regroup::tools {
namespace {

class Marks {
 public:
  explicit Marks(std::string file) : file_(std::move(file)) {}

  void read(std::string_view line) {
    ++line_;
    if (line.starts_with('#')) return;
    rest_ = line;
    const std::string_view kind = word();
    at_ = TimePoint(Duration(number(word())));
    if (kind == "d")
      decision(word());
    else if (kind == "e")
      event(word());
    else
      refuse();
  }
  JournalMarks marks() && { return std::move(marks_); }

 private:
  void decision(std::string_view what) {
    ++marks_.decisions;
    if (what == "place") {
      PlaceMark& mark = place(word());
      mark.decision = marks_.decisions;
      for (int i = 0; i < 3; ++i) word();  // tasks, GPUs, layout
      mark.steps = static_cast<int>(number(word()));
    } else if (what == "preempt") {
      place(word()).preempted = at_;
    } else if (what == "reject") {
      marks_.rejects.push_back(at_);
    }
  }

  void event(std::string_view what) {
    if (what == "gpu-failed") {
      marks_.failures.push_back({gpu(), at_, kNever});
    } else if (what == "gpu-repaired") {
      const GpuId repaired = gpu();
      for (FailureMark& failure : marks_.failures)
        if (failure.gpu == repaired && failure.to == kNever) failure.to = at_;
    }
  }

  GpuId gpu() { return {static_cast<std::uint32_t>(number(word()))}; }

  PlaceMark& place(std::string_view run) {
    const auto index = static_cast<std::size_t>(number(run));
    if (index >= marks_.places.size()) marks_.places.resize(index + 1);
    return marks_.places[index];
  }

  std::string_view word() {
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view found = rest_.substr(0, end);
    if (found.empty()) refuse();
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return found;
  }

  std::int64_t number(std::string_view text) const {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) refuse();
    return value;
  }

  [[noreturn]] void refuse() const {
    fail<ConfigError>("{}:{}: not a line of a journal", file_, line_);
  }

  std::string file_;
  std::uint64_t line_ = 0;
  std::string_view rest_;
  TimePoint at_{};
  JournalMarks marks_;
};

}  // namespace

std::optional<JournalMarks> read_journal_marks(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / "journal";
  std::ifstream stream(file);
  if (!stream) return std::nullopt;
  Marks marks(file.string());
  for (std::string line; std::getline(stream, line);) marks.read(line);
  return std::move(marks).marks();
}

}  // namespace regroup::tools
