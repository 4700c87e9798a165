// The files of a run: what `--out DIR` holds.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "core/request_log.hpp"
#include "core/summary_json.hpp"
#include "core/task_log.hpp"
#include "core/timeline.hpp"

namespace regroup {

struct ResultsOptions {
  bool tasks = false;     // tasks.csv
  bool timeline = false;  // timeline.pftrace
};

// Writes requests.csv and, if asked to, tasks.csv and timeline.pftrace while the run goes, and
// summary.json and provenance.json at its end. Nothing has its final name before commit(); without
// it the directory is left as it was. SystemError wherever the machine refuses.
class Results final : public Observer {
 public:
  // Makes the directory if there is none. The other references must outlive this.
  Results(const std::filesystem::path& directory, const Catalog& catalog,
          const NameTable<ClassId>& classes, ResultsOptions options);

  void on_arrival(TimePoint at, const Request& request) override;
  void on_launch(TimePoint at, const Launch& launch) override;
  void on_preempt(TimePoint at, RunId run) override;
  void on_run_end(const RunRecord& run) override;
  void on_request_end(const RequestOutcome& outcome) override;
  void on_instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) override;
  void on_end(TimePoint at) override;

  // After on_end. Replaces the results of an earlier run in the directory, and removes those of its
  // optional files that this run did not write. The summary comes last: where it is, all is there.
  void commit(const Summary& summary, const ConfigBlock& config, const ConfigBlock& provenance);

 private:
  std::filesystem::path directory_;
  RequestLog requests_;
  std::optional<TaskLog> tasks_;
  std::optional<TimelineLog> timeline_;
};

}  // namespace regroup
