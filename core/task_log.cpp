#include "core/task_log.hpp"

#include "core/result_text.hpp"

namespace regroup {

TaskLog::TaskLog(const std::filesystem::path& directory, const Catalog& catalog)
    : catalog_(catalog), file_(directory, "tasks.csv") {
  file_.write(
      "run,request,stage,kind,gpus,layout,steps,launch_s,end_s,"
      "dispatch_s,setup_s,migrate_s,compute_s,expected_s,failed\n");
}

void TaskLog::on_arrival(TimePoint, const Request& request) {
  labels_.add(request.id) = csv_field(request.label);
}

void TaskLog::on_run_end(const RunRecord& run) {
  how_.clear();
  how_ += ',';
  append(how_, run.group);
  how_ += ',';
  append(how_, run.layout);
  how_ += ',';
  append_number(how_, run.steps);
  for (const Duration time :
       {run.launched.time_since_epoch(), run.ended.time_since_epoch(), run.times.dispatch,
        run.times.setup, run.times.migrate, run.times.compute, run.expected}) {
    how_ += ',';
    append_seconds(how_, time);
  }
  how_ += run.failed ? ",1\n" : ",0\n";
  for (const Task* task : run.tasks) {
    row_.clear();
    append_number(row_, run.run.value);
    row_ += ',';
    row_ += *labels_.find(task->request);
    row_ += ',';
    row_ += csv_field(catalog_.stages(task->model).stage(task->stage).name);
    row_ += ',';
    row_ += text_of(task->kind);
    row_ += how_;
    file_.write(row_);
  }
}

void TaskLog::on_request_end(const RequestOutcome& outcome) { labels_.remove(outcome.request->id); }

}  // namespace regroup
