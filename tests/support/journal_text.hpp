// Journals between their bytes and their text.
#pragma once

#include <array>
#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/journal.hpp"
#include "core/journal_reader.hpp"

namespace regroup::testing {

inline std::string journal_text(const std::string& bytes) {
  std::istringstream stream(bytes);
  JournalReader reader(stream, "journal");
  std::string text = std::string(kJournalHeading) + '\n';
  for (JournalEntry entry; reader.next(entry); text += '\n') append(text, entry);
  return text;
}

// An entry's text, word by word. Throws std::runtime_error for any other.
class EntryParser {
 public:
  explicit EntryParser(const std::string& line) : line_(line), words_(line) {}

  JournalEntry entry() {
    using Kind = JournalEntry::Kind;
    JournalEntry entry;
    word();  // the kind says whether it is an event
    entry.at = TimePoint(Duration(number()));
    entry.kind = kind(word());
    switch (entry.kind) {
      case Kind::kRunEnded:
      case Kind::kRunFailed:
        take(entry.run);
        entry.steps = static_cast<int>(number());
        for (Duration* part : {&entry.times.dispatch, &entry.times.setup, &entry.times.migrate,
                               &entry.times.compute})
          *part = Duration(number());
        break;
      case Kind::kGpuFailed:
      case Kind::kGpuRepaired:
        take(entry.gpu);
        break;
      case Kind::kPlace:
        take(entry.run);
        for (const std::uint64_t task : list()) entry.tasks.push_back({task});
        for (const std::uint64_t gpu : list())
          entry.group.push_back({static_cast<std::uint32_t>(gpu)});
        entry.layout = layout(word());
        entry.steps = static_cast<int>(number());
        break;
      case Kind::kPreempt:
        take(entry.run);
        break;
      case Kind::kReject:
        take(entry.request);
        break;
      case Kind::kWake:
        entry.when = TimePoint(Duration(number()));
        break;
    }
    return entry;
  }

 private:
  [[noreturn]] void refuse() const { throw std::runtime_error("not an entry: " + line_); }

  std::string word() {
    std::string word;
    if (!(words_ >> word)) refuse();
    return word;
  }
  std::int64_t number() {
    std::int64_t number = 0;
    if (!(words_ >> number)) refuse();
    return number;
  }
  // Ids take all of 64 bits.
  template <class Id>
  void take(Id& id) {
    if (!(words_ >> id.value)) refuse();
  }
  std::vector<std::uint64_t> list() {
    std::istringstream parts(word());
    std::vector<std::uint64_t> numbers;
    for (std::string part; std::getline(parts, part, ',');) numbers.push_back(std::stoull(part));
    return numbers;
  }
  JournalEntry::Kind kind(const std::string& name) const {
    constexpr std::array<const char*, JournalEntry::kKinds> kNames = {
        "end", "fail", "gpu-failed", "gpu-repaired", "place", "preempt", "reject", "wake"};
    for (std::size_t i = 0; i < kNames.size(); ++i)
      if (name == kNames[i]) return static_cast<JournalEntry::Kind>(i);
    refuse();
  }
  Layout layout(const std::string& text) const {
    int cfg = 1, ulysses = 1, ring = 1, tp = 1;
    if (std::sscanf(text.c_str(), "cfg%d.u%d.r%d.tp%d", &cfg, &ulysses, &ring, &tp) < 3) refuse();
    const auto part = [](int value) { return static_cast<std::uint8_t>(value); };
    return {part(cfg), part(ulysses), part(ring), part(tp)};
  }

  std::string line_;
  std::istringstream words_;
};

// Of entries' lines, without the heading.
inline std::string journal_bytes(const std::string& lines) {
  std::string bytes;
  JournalWriter writer([&](std::string_view entry) { bytes += entry; });
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) writer.entry(EntryParser(line).entry());
  return bytes;
}

}  // namespace regroup::testing
