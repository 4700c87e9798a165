#include "core/journal_reader.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

#include "core/errors.hpp"

namespace regroup {
namespace {

using journal_format::unfolded;

constexpr std::size_t kReadBytes = std::size_t{1} << 16;
constexpr std::string_view kOfAnyVersion = "# regroup journal v";
// Of a time, so that sums of a few do not overflow: 36 years.
constexpr std::int64_t kMaxTime = std::int64_t{1} << 60;

}  // namespace

// Reads numbers where an entry must go on.
class JournalReader::Decoder {
 public:
  explicit Decoder(JournalReader& reader) : reader_(reader) {}

  void since(TimePoint& time, std::uint64_t& before) {
    const std::uint64_t step = number();
    constexpr auto most = static_cast<std::uint64_t>(kMaxTime);
    if (step > most || before + step > most) bad("a time of more than {} ns", kMaxTime);
    before += step;
    time = TimePoint(Duration(static_cast<std::int64_t>(before)));
  }
  void instant(TimePoint& time, std::uint64_t guess) {
    const auto value = static_cast<std::int64_t>(guess + unfolded(number()));
    if (value < 0) bad("a time of {} ns", value);
    time = TimePoint(Duration(value));
  }
  template <std::integral Number>
  void near(Number& value, std::uint64_t guess) {
    fit(value, guess + unfolded(number()));
  }
  template <std::integral Number>
  void whole(Number& value) {
    fit(value, number());
  }
  void length(Duration& duration) {
    const auto value = static_cast<std::int64_t>(unfolded(number()));
    if (value > kMaxTime || value < -kMaxTime) bad("a length of {} ns", value);
    duration = Duration(value);
  }
  void tasks(std::vector<TaskId>& tasks, std::uint64_t& guess) {
    tasks.clear();
    std::uint64_t left = number();
    if (left == 0) bad("a placement of no tasks");
    for (; left > 0; --left) {
      TaskId& task = tasks.emplace_back();
      near(task.value, guess);
      guess = task.value;
    }
  }
  void group(Group& group) {
    group.clear();
    const std::uint64_t size = number();
    if (size == 0 || size > kMaxGroupSize) bad("a group of {} GPUs", size);
    std::uint64_t guess = 0;
    for (std::uint64_t i = 0; i < size; ++i) {
      GpuId gpu;
      near(gpu.value, guess);
      group.push_back(gpu);
      guess = std::uint64_t{gpu.value} + 1;
    }
  }
  void layout(Layout& layout, const Group& group) {
    layout = journal_format::plain_layout(group);
    whole(layout.cfg);
    if (layout.cfg == 0) {
      layout.cfg = 1;
      return;
    }
    for (std::uint8_t* const part : {&layout.ulysses, &layout.ring, &layout.tp}) whole(*part);
    if (layout.size() != static_cast<int>(group.size()))
      bad("a layout for {} GPUs of a group of {}", layout.size(), group.size());
  }

  template <class... Args>
  [[noreturn]] void bad(fmt::format_string<Args...> what, Args&&... args) const {
    fail<ConfigError>("{}: byte {}: {}", reader_.name_, from_,
                      fmt::format(what, std::forward<Args>(args)...));
  }
  // The next number, or the kind of an entry, begins here.
  void mark() { from_ = reader_.filled_ - static_cast<std::uint64_t>(reader_.end_ - reader_.at_); }

 private:
  std::uint64_t number() {
    mark();
    std::uint64_t value = 0;
    std::uint8_t digit = 0;
    for (int shift = 0;; shift += 7) {
      if (!reader_.byte(digit)) {
        mark();
        bad("the journal ends in the middle of an entry (was its run killed?)");
      }
      const std::uint64_t seven = digit & 0x7fu;
      if (shift > 63 || (shift == 63 && seven > 1)) bad("a number of more than 64 bits");
      value |= seven << shift;
      if (digit < 0x80) return value;
    }
  }

  template <std::integral Number>
  void fit(Number& value, std::uint64_t number) const {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<Number>::max());
    if (number > most) bad("the number {} where at most {} can be", number, most);
    value = static_cast<Number>(number);
  }

  JournalReader& reader_;
  std::uint64_t from_ = 0;
};

JournalReader::JournalReader(std::istream& bytes, std::string name)
    : bytes_(bytes),
      name_(std::move(name)),
      buffer_(std::make_unique_for_overwrite<char[]>(kReadBytes)) {
  read_heading();
}

void JournalReader::read_heading() {
  const std::string_view heading = kJournalHeading;
  constexpr std::size_t kMost = 40;
  std::string line;
  std::uint8_t next = 0;
  while (line.size() < kMost && byte(next) && next != '\n') line += static_cast<char>(next);
  const bool whole = next == '\n';
  if (whole && line == heading) return;
  if (whole && line.starts_with(kOfAnyVersion))
    fail<ConfigError>(
        "{}: byte 0: a journal of another version, '{}': this program reads '{}' only; run the "
        "trace again",
        name_, line, heading);
  fail<ConfigError>("{}: byte 0: not a journal: it must begin with the line '{}'", name_, heading);
}

bool JournalReader::fill() {
  bytes_.read(buffer_.get(), kReadBytes);
  if (bytes_.bad()) fail<SystemError>("{}: cannot be read", name_);
  const auto count = static_cast<std::size_t>(bytes_.gcount());
  at_ = buffer_.get();
  end_ = at_ + count;
  filled_ += count;
  return count > 0;
}

bool JournalReader::byte(std::uint8_t& value) {
  if (at_ == end_ && !fill()) return false;
  value = static_cast<std::uint8_t>(*at_++);
  return true;
}

bool JournalReader::next(JournalEntry& entry) {
  Decoder decoder(*this);
  decoder.mark();
  std::uint8_t kind = 0;
  if (!byte(kind)) return false;
  if (kind >= JournalEntry::kKinds) decoder.bad("no entry begins with {:#04x}", kind);
  entry.kind = static_cast<JournalEntry::Kind>(kind);
  journal_format::code(decoder, entry, context_);
  ++line_;
  return true;
}

}  // namespace regroup
