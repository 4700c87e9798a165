#include "core/replayer.hpp"

namespace regroup {

Replayer::Replayer(std::istream& bytes, std::string name, std::size_t gpus)
    : reader_(bytes, std::move(name)), gpus_(gpus) {
  advance();
}

void Replayer::advance() { more_ = reader_.next(next_); }

std::string Replayer::next_text() const { return more_ ? text_of(next_) : "(end)"; }

std::uint64_t Replayer::line() const { return reader_.line() + (more_ ? 0 : 1); }

std::optional<Event> Replayer::next_event(TimePoint until) {
  if (more_ && !next_.is_decision() && next_.at <= until) return event();
  if (until == kNever && !under_way_.empty())
    fail<JournalMismatch>(
        "{}: line {}: the run waits for {} placements to end, the journal goes on with: {}",
        reader_.name(), line(), under_way_.size(), next_text());
  return std::nullopt;
}

// The loop trusts its backend, a journal may be anything.
Event Replayer::event() {
  const auto refuse = [&](std::string_view why) {
    fail<ConfigError>("{}: line {}: {}: '{}'", reader_.name(), line(), why, next_text());
  };
  Event event{.kind = static_cast<Event::Kind>(next_.kind), .at = next_.at};
  if (!next_.is_of_run()) {
    if (next_.gpu.value >= gpus_) refuse(fmt::format("the cluster has {} GPUs", gpus_));
    event.gpu = next_.gpu;
    return event;
  }
  const auto run = under_way_.find(next_.run);
  if (run == under_way_.end()) refuse("no such run is under way");
  const Placement placement = run->second;
  if (next_.steps > placement.steps) refuse(fmt::format("the run has {} steps", placement.steps));
  under_way_.erase(run);
  event.run = next_.run;
  event.slot = placement.slot;
  event.steps = next_.steps;
  event.times = next_.times;
  return event;
}

void Replayer::compare(const JournalEntry& now) {
  if (!more_ || !(next_ == now))
    fail<JournalMismatch>(
        "{}: line {}: the run parts from the journal after {} equal decisions:\n"
        "  recorded: {}\n  now:      {}",
        reader_.name(), line(), decisions_, next_text(), text_of(now));
  if (now.is_decision()) ++decisions_;
  advance();
}

void Replayer::check_finished() const {
  if (more_)
    fail<JournalMismatch>(
        "{}: line {}: the run ended after {} equal decisions, the journal goes on: {}",
        reader_.name(), line(), decisions_, next_text());
}

}  // namespace regroup
