// tasks.csv: one row for every task of every run, in the order in which the runs ended.
#pragma once

#include "core/catalog.hpp"
#include "core/id_table.hpp"
#include "core/observer.hpp"
#include "core/output_file.hpp"

namespace regroup {

// Written as the run goes; keeps the ids of live requests only. Format as in requests.csv. Columns:
//   run                       the placement; the tasks of a batch share it
//   request                   the trace's id
//   stage, kind               the model card's name of the stage; encode, denoise, decode, other
//   gpus, layout              "0 1 2 3" in order of rank; "cfg1.u4.r1"
//   steps                     done in this run
//   launch_s, end_s           instants of the run
//   dispatch_s ... compute_s  the parts between them
//   expected_s                what the cost model said at launch
//   failed                    1 or 0
class TaskLog final : public Observer {
 public:
  // The catalog must outlive this. SystemError from here, on_run_end and commit.
  TaskLog(const std::filesystem::path& directory, const Catalog& catalog);

  void on_arrival(TimePoint at, const Request& request) override;
  void on_run_end(const RunRecord& run) override;
  void on_request_end(const RequestOutcome& outcome) override;
  void commit() { file_.commit(); }

 private:
  const Catalog& catalog_;
  IdRecords<RequestId, std::string> labels_;  // of live requests, as CSV fields
  std::string row_, how_;                     // kept for their memory
  OutputFile file_;
};

}  // namespace regroup
