#include "core/journal.hpp"

#include <array>
#include <charconv>
#include <vector>

#include "core/result_text.hpp"

namespace regroup {
namespace {

constexpr std::string_view kFirstLine = "# regroup journal v1\n";
constexpr std::array<std::string_view, 4> kEventNames = {"end", "fail", "gpu-failed",
                                                         "gpu-repaired"};

std::int64_t ns(TimePoint t) { return t.time_since_epoch().count(); }

}  // namespace

JournalWriter::JournalWriter(std::function<void(std::string_view)> sink) : sink_(std::move(sink)) {
  sink_(kFirstLine);
}

void JournalWriter::begin(char kind, TimePoint at, std::string_view what) {
  line_.clear();
  line_ += kind;
  add(ns(at));
  line_ += ' ';
  line_ += what;
}

template <class... Numbers>
void JournalWriter::add(Numbers... numbers) {
  ((line_ += ' ', append_number(line_, numbers)), ...);
}

void JournalWriter::end() {
  line_ += '\n';
  sink_(line_);
}

void JournalWriter::event(const Event& event) {
  begin('e', event.at, kEventNames[static_cast<std::size_t>(event.kind)]);
  const RunTimes& t = event.times;
  if (event.kind == Event::Kind::kRunEnded || event.kind == Event::Kind::kRunFailed)
    add(event.run.value, event.steps, t.dispatch.count(), t.setup.count(), t.migrate.count(),
        t.compute.count());
  else
    add(event.gpu.value);
  end();
}

void JournalWriter::place(TimePoint at, const Launch& launch) {
  begin('d', at, "place");
  add(launch.run.value);
  for (std::size_t i = 0; i < launch.tasks.size(); ++i) {
    line_ += i == 0 ? ' ' : ',';
    append_number(line_, launch.tasks[i]->id.value);
  }
  line_ += ' ';
  append(line_, launch.group, ',');
  line_ += ' ';
  append(line_, launch.layout);
  add(launch.steps);
  end();
}

void JournalWriter::preempt(TimePoint at, RunId run) {
  begin('d', at, "preempt");
  add(run.value);
  end();
}

void JournalWriter::reject(TimePoint at, RequestId request) {
  begin('d', at, "reject");
  add(request.value);
  end();
}

void JournalWriter::wake(TimePoint at, TimePoint when) {
  begin('d', at, "wake");
  add(ns(when));
  end();
}

Replayer::Replayer(std::istream& text, std::string name)
    : text_(text), name_(std::move(name)), writer_([this](std::string_view line) {
        if (line_number_ == 0) {
          advance();
          if (next_ != kFirstLine.substr(0, kFirstLine.size() - 1))
            fail<ConfigError>("{}: line 1: not a journal: it must begin with '{}'", name_,
                              kFirstLine.substr(0, kFirstLine.size() - 1));
        }
        compare(line);
      }) {}

void Replayer::advance() {
  next_.clear();
  if (std::getline(text_, next_)) ++line_number_;
}

std::optional<Event> Replayer::next_event(TimePoint until) {
  if (!next_.empty() && next_[0] == 'e') {
    const Event event = parse_event();
    if (event.at <= until) {
      now_ = event.at;
      if (event.kind == Event::Kind::kRunEnded || event.kind == Event::Kind::kRunFailed)
        --under_way_;
      return event;
    }
  }
  if (until == kNever && under_way_ > 0)
    fail<JournalMismatch>(
        "{}: line {}: the run waits for {} placements to end, the journal goes on with: {}", name_,
        line_number_, under_way_, next_.empty() ? "(end)" : next_);
  if (until != kNever) now_ = until;
  return std::nullopt;
}

Event Replayer::parse_event() const {
  const auto bad = [&](std::string_view what) {
    fail<ConfigError>("{}: line {}: {} in '{}'", name_, line_number_, what, next_);
  };
  std::vector<std::string_view> words;
  for (std::string_view rest = next_; !rest.empty();) {
    const std::size_t space = rest.find(' ');
    words.push_back(rest.substr(0, space));
    rest = space == std::string_view::npos ? "" : rest.substr(space + 1);
  }
  if (words.size() < 4) bad("too few fields");
  const auto number = [&](std::size_t i) {
    std::int64_t value = 0;
    const auto [end, error] =
        std::from_chars(words[i].data(), words[i].data() + words[i].size(), value);
    if (error != std::errc() || end != words[i].data() + words[i].size() || value < 0)
      bad("expected a whole number, zero or more,");
    return value;
  };
  const auto kind = std::ranges::find(kEventNames, words[2]);
  if (kind == kEventNames.end()) bad("unknown event");
  Event event;
  event.kind = static_cast<Event::Kind>(kind - kEventNames.begin());
  event.at = TimePoint(Duration(number(1)));
  if (event.kind == Event::Kind::kGpuFailed || event.kind == Event::Kind::kGpuRepaired) {
    event.gpu = {static_cast<std::uint32_t>(number(3))};
    return event;
  }
  if (words.size() != 9) bad("expected 9 fields");
  event.run = {static_cast<std::uint64_t>(number(3))};
  event.steps = static_cast<int>(number(4));
  event.times = {Duration(number(5)), Duration(number(6)), Duration(number(7)),
                 Duration(number(8))};
  return event;
}

void Replayer::compare(std::string_view line) {
  line.remove_suffix(1);
  if (next_ != line)
    fail<JournalMismatch>(
        "{}: line {}: the run parts from the journal after {} equal decisions:\n"
        "  recorded: {}\n  now:      {}",
        name_, line_number_, decisions_, next_.empty() ? "(end)" : next_, line);
  if (line[0] == 'd') ++decisions_;
  advance();
}

void Replayer::check_finished() const {
  if (!next_.empty())
    fail<JournalMismatch>(
        "{}: line {}: the run ended after {} equal decisions, the journal goes on: {}", name_,
        line_number_, decisions_, next_);
}

}  // namespace regroup
