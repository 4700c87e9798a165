// The bytes of a journal. Of its writer and its reader alone.
//
// The heading is a line of text (kJournalHeading). An entry is its kind as one byte, then the
// numbers that its text has, in that order: base 128, the low digits first, the highest bit of a
// byte says that more follow. They are made small by what is mostly so:
//   at       since the entry before
//   when     off from `at`
//   run      off from the one that is placed next
//   task     off from the one before, also of another entry; their count in front
//   gpu      off from the one after the one before; their count in front
//   layout   0: all of the group by Ulysses; otherwise cfg, ulysses, ring, tp
// What can be off either way has its sign in the lowest bit, and so have the lengths of time.
#pragma once

#include "core/journal_entry.hpp"

namespace regroup::journal_format {

// What numbers are written relative to: at every entry the same for writer and reader.
struct Context {
  std::uint64_t at = 0;    // of the latest entry
  std::uint64_t run = 0;   // that a placement is expected to be
  std::uint64_t task = 0;  // of the latest placement
};

// The two sides of zigzag coding: 0, -1, 1, -2, ... as 0, 1, 2, 3, ...
constexpr std::uint64_t folded(std::uint64_t difference) {
  return difference << 1 ^ (difference >> 63 != 0 ? ~std::uint64_t{0} : 0);
}
constexpr std::uint64_t unfolded(std::uint64_t number) {
  return number >> 1 ^ ((number & 1) != 0 ? ~std::uint64_t{0} : 0);
}

// The layout that is written as 0.
inline Layout plain_layout(const Group& group) {
  return {.ulysses = static_cast<std::uint8_t>(group.size())};
}

// The numbers of an entry, whose kind is known, in order: once for both directions. A coder writes
// or reads each that it is given.
//   since(time, before)     the time, no earlier; it becomes `before`
//   instant(time, guess)    any time
//   near(number, guess)     any number
//   whole(number)           one that is not negative
//   length(duration)
//   tasks(list, guess)      of which the last becomes `guess`
//   group(group)
//   layout(layout, group)
template <class Coder, class Entry>
void code(Coder& coder, Entry& entry, Context& context) {
  using Kind = JournalEntry::Kind;
  coder.since(entry.at, context.at);
  switch (entry.kind) {
    case Kind::kRunEnded:
    case Kind::kRunFailed:
      coder.near(entry.run.value, context.run);
      coder.whole(entry.steps);
      coder.length(entry.times.dispatch);
      coder.length(entry.times.setup);
      coder.length(entry.times.migrate);
      coder.length(entry.times.compute);
      break;
    case Kind::kGpuFailed:
    case Kind::kGpuRepaired:
      coder.whole(entry.gpu.value);
      break;
    case Kind::kPlace:
      coder.near(entry.run.value, context.run);
      context.run = entry.run.value + 1;
      coder.tasks(entry.tasks, context.task);
      coder.group(entry.group);
      coder.layout(entry.layout, entry.group);
      coder.whole(entry.steps);
      break;
    case Kind::kPreempt:
      coder.near(entry.run.value, context.run);
      break;
    case Kind::kReject:
      coder.whole(entry.request.value);
      break;
    case Kind::kWake:
      coder.instant(entry.when, context.at);
      break;
  }
}

}  // namespace regroup::journal_format
