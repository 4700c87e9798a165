#include "tools/report/journal_marks.hpp"

#include <fstream>

#include "core/journal_reader.hpp"

namespace regroup::tools {
namespace {

class Marks {
 public:
  void add(const JournalEntry& entry) {
    using Kind = JournalEntry::Kind;
    if (entry.is_decision()) ++marks_.decisions;
    switch (entry.kind) {
      case Kind::kGpuFailed:
        return marks_.failures.push_back({entry.gpu, entry.at, kNever});
      case Kind::kGpuRepaired:
        for (FailureMark& failure : marks_.failures)
          if (failure.gpu == entry.gpu && failure.to == kNever) failure.to = entry.at;
        return;
      case Kind::kPlace:
        marks_.places[entry.run] = {.decision = marks_.decisions, .steps = entry.steps};
        return;
      case Kind::kPreempt:
        marks_.places[entry.run].preempted = entry.at;
        return;
      case Kind::kReject:
        return marks_.rejects.push_back(entry.at);
      case Kind::kRunEnded:
      case Kind::kRunFailed:
      case Kind::kWake:
        return;
    }
  }
  JournalMarks marks() && { return std::move(marks_); }

 private:
  JournalMarks marks_;
};

}  // namespace

std::optional<JournalMarks> read_journal_marks(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / "journal";
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::nullopt;
  JournalReader reader(stream, file.string());
  Marks marks;
  for (JournalEntry entry; reader.next(entry);) marks.add(entry);
  return std::move(marks).marks();
}

}  // namespace regroup::tools
