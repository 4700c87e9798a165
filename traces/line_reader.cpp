#include "traces/line_reader.hpp"

#include <cerrno>
#include <cstring>

#include "core/errors.hpp"

namespace regroup::traces {

namespace {

// Length of the UTF-8 sequence at the start of `text`, or 0 if there is none (Unicode 15, table
// 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;
    return continues(1) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;
    return continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

LineReader::LineReader(const std::string& path, std::string name)
    : name_(name.empty() ? path : std::move(name)),
      buffer_(std::make_unique_for_overwrite<char[]>(kBuffer)) {
  file_.reset(std::fopen(path.c_str(), "rb"));
  if (!file_) fail<ConfigError>("{}: cannot be opened: {}", name_, std::strerror(errno));
  // fill() reads large blocks itself.
  std::setvbuf(file_.get(), nullptr, _IONBF, 0);
}

std::string LineReader::where() const { return fmt::format("{}:{}", name_, number_); }

bool LineReader::fill() {
  std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const std::size_t got = std::fread(buffer_.get() + end_, 1, kBuffer - end_, file_.get());
  if (got == 0 && std::ferror(file_.get()) != 0) {
    if (errno == EISDIR) fail<ConfigError>("{}: is a folder; a trace file is needed", name_);
    fail<SystemError>("{}: reading failed: {}", name_, std::strerror(errno));
  }
  end_ += got;
  return got > 0;
}

bool LineReader::next(std::string_view& line) {
  std::size_t searched = begin_;
  const char* newline = nullptr;
  for (;;) {
    newline =
        static_cast<const char*>(std::memchr(buffer_.get() + searched, '\n', end_ - searched));
    if (newline != nullptr) break;
    const std::size_t unread = end_ - begin_;
    if (unread == kBuffer) {
      fail<ConfigError>("{}:{}: line is longer than {} bytes", name_, number_ + 1, kMaxLine);
    }
    if (!fill()) break;
    searched = begin_ + unread;
  }
  if (newline == nullptr && begin_ == end_) return false;

  unended_ = newline == nullptr;
  const char* first = buffer_.get() + begin_;
  const char* last = unended_ ? buffer_.get() + end_ : newline;
  begin_ = static_cast<std::size_t>(last - buffer_.get()) + (unended_ ? 0 : 1);
  ++number_;
  if (last > first && last[-1] == '\r') --last;
  line = {first, static_cast<std::size_t>(last - first)};
  check_text(line);
  return true;
}

void LineReader::check_text(std::string_view line) const {
  // Nearly every line is plain ASCII: one pass that the compiler vectorises finds out.
  unsigned char high = 0;
  bool nul = false;
  for (const char c : line) {
    high = static_cast<unsigned char>(high | static_cast<unsigned char>(c));
    nul |= c == '\0';
  }
  if (nul) {
    fail<ConfigError>("{}: byte {} is NUL; a trace is UTF-8 text", where(), line.find('\0') + 1);
  }
  if (high < 0x80) return;
  for (std::size_t i = 0; i < line.size();) {
    const std::size_t length = utf8_length(line.substr(i));
    if (length == 0) {
      fail<ConfigError>("{}: byte {} (0x{:02x}) is not UTF-8; a trace is UTF-8 text", where(),
                        i + 1, static_cast<unsigned char>(line[i]));
    }
    i += length;
  }
}

std::string shown(std::string_view found) {
  constexpr std::size_t kShown = 40;
  std::string text = "'";
  for (const char c : found.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7F) {
      text += fmt::format("\\x{:02x}", byte);
    } else {
      text += c;
    }
  }
  text += found.size() > kShown ? "...'" : "'";
  return text;
}

}  // namespace regroup::traces
