// One run, as its results folder tells it, in the form that a report needs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/bench/student.hpp"
#include "tools/report/journal_marks.hpp"
#include "tools/result_folder.hpp"

namespace regroup::tools {

// One launched placement: a batch of requests that share a group for some steps.
struct Placement {
  std::uint64_t run = 0;
  std::vector<std::size_t> requests;  // positions in RunFacts::requests()
  std::string stage;
  Group group;
  Layout layout{};
  int steps = 0;  // done
  TimePoint launched{}, ended{};
  RunTimes times;
  Duration expected{};
  bool failed = false;
  PlaceMark mark;
};

struct RunFacts {
  ResultFolder folder;
  std::string name;                   // policy and parameters: "fcfs degree=4"
  std::string summary;                // the text of summary.json
  std::vector<std::string> classes;   // short names first: 256x256 before 1024x1024
  std::vector<Placement> placements;  // by run; empty without tasks.csv
  std::optional<JournalMarks> journal;
  std::vector<TimePoint> gone;     // when each request left: finished, rejected, or at the end
  TimePoint begin{}, end{};        // first arrival, last end
  int gpus = 0;                    // at least so many; exactly, where the cluster is known
  int gpus_per_node = 0;           // 0: not known
  std::vector<std::string> notes;  // what the folder lacks, in sentences

  const std::vector<RequestRow>& requests() const { return folder.requests; }
  std::size_t class_of(const RequestRow& request) const;
};

// Requests are by arrival. Throws ConfigError for a folder that holds no complete run.
RunFacts read_run(const std::filesystem::path& directory);

// A mean over requests in order of arrival, with its 95 % interval by batch means (Law, "Simulation
// Modeling and Analysis", section 9.5.3): neighbours wait for the same GPUs and so are not
// independent; twenty batches of them nearly are. Without an interval below 200 values.
Estimate batch_mean(const std::vector<double>& values);
// The same of a share, whose interval stays between 0 and 1 and is no narrower than the rule of
// three allows (Hanley and Lippman-Hand, JAMA 1983).
struct Share {
  double mean = 0;
  std::optional<std::pair<double, double>> interval;
};
Share batch_share(const std::vector<double>& values);

}  // namespace regroup::tools
