#include "core/task_log.hpp"

#include <fmt/format.h>

#include "core/result_text.hpp"

namespace regroup {

TaskLog::TaskLog(const std::filesystem::path& directory, const Catalog& catalog)
    : catalog_(catalog), file_(directory, "tasks.csv") {
  file_.write(
      "run,request,stage,kind,gpus,layout,steps,launch_s,end_s,"
      "dispatch_s,setup_s,migrate_s,compute_s,expected_s,failed\n");
}

void TaskLog::on_arrival(TimePoint, const Request& request) {
  labels_.emplace(request.id, csv_field(request.label));
}

void TaskLog::on_run_end(const RunRecord& run) {
  const std::string how = fmt::format(
      "{},{},{},{},{},{},{},{},{},{},{:d}\n", text_of(run.group), text_of(run.layout), run.steps,
      exact_seconds(run.launched), exact_seconds(run.ended), exact_seconds(run.times.dispatch),
      exact_seconds(run.times.setup), exact_seconds(run.times.migrate),
      exact_seconds(run.times.compute), exact_seconds(run.expected), run.failed);
  for (const Task* task : run.tasks) {
    const Stage& stage = catalog_.stages(task->model).stage(task->stage);
    file_.write(fmt::format("{},{},{},{},{}", run.run.value, labels_.at(task->request),
                            csv_field(stage.name), text_of(task->kind), how));
  }
}

void TaskLog::on_request_end(const RequestOutcome& outcome) { labels_.erase(outcome.request->id); }

}  // namespace regroup
