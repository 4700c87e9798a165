#include "core/results.hpp"

#include <system_error>

#include "core/errors.hpp"

namespace regroup {
namespace {

const std::filesystem::path& made(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    fail<SystemError>("{}: cannot make this directory: {}", directory.string(), error.message());
  return directory;
}

void write_whole(const std::filesystem::path& directory, const char* name,
                 const std::string& text) {
  OutputFile file(directory, name);
  file.write(text);
  file.commit();
}

void remove_stale(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  if (error)
    fail<SystemError>("{}: cannot remove the file of an earlier run: {}", path.string(),
                      error.message());
}

}  // namespace

Results::Results(const std::filesystem::path& directory, const Catalog& catalog,
                 const NameTable<ClassId>& classes, ResultsOptions options)
    : directory_(directory), requests_(made(directory), catalog, classes) {
  if (options.tasks) tasks_.emplace(directory, catalog);
  if (options.timeline) timeline_.emplace(directory, catalog, classes);
}

void Results::on_arrival(TimePoint at, const Request& request) {
  if (tasks_) tasks_->on_arrival(at, request);
  if (timeline_) timeline_->on_arrival(at, request);
}

void Results::on_launch(TimePoint at, const Launch& launch) {
  if (timeline_) timeline_->on_launch(at, launch);
}

void Results::on_preempt(TimePoint at, RunId run) {
  if (timeline_) timeline_->on_preempt(at, run);
}

void Results::on_run_end(const RunRecord& run) {
  if (tasks_) tasks_->on_run_end(run);
  if (timeline_) timeline_->on_run_end(run);
}

void Results::on_request_end(const RequestOutcome& outcome) {
  requests_.on_request_end(outcome);
  if (tasks_) tasks_->on_request_end(outcome);
  if (timeline_) timeline_->on_request_end(outcome);
}

void Results::on_instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) {
  if (timeline_) timeline_->on_instant(at, ready_tasks, idle_gpus);
}

void Results::on_end(TimePoint at) {
  if (timeline_) timeline_->on_end(at);
}

void Results::commit(const Summary& summary, const ConfigBlock& config,
                     const ConfigBlock& provenance) {
  if (!tasks_) remove_stale(directory_ / "tasks.csv");
  if (!timeline_) remove_stale(directory_ / "timeline.pftrace");
  requests_.commit();
  if (tasks_) tasks_->commit();
  if (timeline_) timeline_->commit();
  write_whole(directory_, "provenance.json", provenance_json(provenance));
  write_whole(directory_, "summary.json", summary_json(summary, config));
}

}  // namespace regroup
