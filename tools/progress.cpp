#include "tools/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace regroup::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kQuiet{2};
constexpr std::chrono::milliseconds kBetween{200};
constexpr std::size_t kWidth = 20;  // of the bar

class ProgressBar {
 public:
  explicit ProgressBar(std::string pieces) : pieces_(std::move(pieces)) {}
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }

  void at(std::size_t done, std::size_t all) {
    const Clock::time_point now = Clock::now();
    if (now < next_) return;
    next_ = now + kBetween;
    shown_ = true;
    const double elapsed_s = std::chrono::duration<double>(now - start_).count();
    fmt::print(stderr, "\r{}\x1b[K", progress_text(pieces_, done, all, elapsed_s));
  }

 private:
  std::string pieces_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_ + kQuiet;
  bool shown_ = false;
};

std::string duration_text(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  if (seconds < 6000) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

}  // namespace

std::string progress_text(const std::string& pieces, std::size_t done, std::size_t all,
                          double elapsed_s) {
  const double rate = static_cast<double>(done) / elapsed_s;
  const std::string speed =
      rate < 100 ? fmt::format("{:.3g} a second", rate) : fmt::format("{:.0f} a second", rate);
  if (all == 0) return fmt::format("{} {}, {}", done, pieces, speed);
  const std::size_t full = kWidth * std::min(done, all) / all;
  std::string text = fmt::format("[{:<{}}] {} of {} {}, {}", std::string(full, '#'), kWidth, done,
                                 all, pieces, speed);
  if (done > 0 && done < all)
    text += fmt::format(", about {} left", duration_text(static_cast<double>(all - done) / rate));
  return text;
}

Progress progress_bar(const std::string& pieces) {
  if (isatty(STDERR_FILENO) == 0) return {};
  return [bar = std::make_shared<ProgressBar>(pieces)](std::size_t done, std::size_t all) {
    bar->at(done, all);
  };
}

bool shows_colours(int descriptor) {
  const char* const refused = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  return isatty(descriptor) != 0 && (refused == nullptr || *refused == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

}  // namespace regroup::tools
