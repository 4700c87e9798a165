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

void Results::Tables::on_arrival(TimePoint at, const Request& request) {
  if (tasks) tasks->on_arrival(at, request);
}

void Results::Tables::on_run_end(const RunRecord& run) {
  if (tasks) tasks->on_run_end(run);
}

void Results::Tables::on_request_end(const RequestOutcome& outcome) {
  requests.on_request_end(outcome);
  if (tasks) tasks->on_request_end(outcome);
}

Results::Results(const std::filesystem::path& directory, const Catalog& catalog,
                 const NameTable<ClassId>& classes, ResultsOptions options)
    : directory_(directory),
      to_tables_(classes),
      tables_(made(directory), catalog, to_tables_.classes()) {
  if (options.tasks) tables_.tasks.emplace(directory, catalog);
  if (options.timeline) {
    to_timeline_.emplace(classes);
    timeline_.emplace(directory, catalog, to_timeline_->classes(), options.timeline_sample);
    to_timeline_->start(&*timeline_, nullptr);
  }
  to_tables_.start(&tables_, nullptr);
}

Results::~Results() {
  // The threads use what was made after them.
  to_tables_.stop();
  if (to_timeline_) to_timeline_->stop();
}

void Results::on_arrival(TimePoint at, const Request& request) {
  to_tables_.on_arrival(at, request);
  if (to_timeline_) to_timeline_->on_arrival(at, request);
}

void Results::on_launch(TimePoint at, const Launch& launch) {
  if (to_timeline_) to_timeline_->on_launch(at, launch);
}

void Results::on_preempt(TimePoint at, RunId run) {
  if (to_timeline_) to_timeline_->on_preempt(at, run);
}

void Results::on_run_end(const RunRecord& run) {
  if (tables_.tasks) to_tables_.on_run_end(run);
  if (to_timeline_) to_timeline_->on_run_end(run);
}

void Results::on_request_end(const RequestOutcome& outcome) {
  to_tables_.on_request_end(outcome);
  if (to_timeline_) to_timeline_->on_request_end(outcome);
}

void Results::on_instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) {
  if (to_timeline_) to_timeline_->on_instant(at, ready_tasks, idle_gpus);
}

void Results::on_end(TimePoint at) {
  if (to_timeline_) to_timeline_->on_end(at);
}

void Results::finish() {
  if (to_timeline_) to_timeline_->finish();
  to_tables_.finish();
}

void Results::commit(const Summary& summary, const ConfigBlock& config,
                     const ConfigBlock& provenance) {
  if (!tables_.tasks) remove_stale(directory_ / "tasks.csv");
  if (!timeline_) remove_stale(directory_ / "timeline.pftrace");
  tables_.requests.commit();
  if (tables_.tasks) tables_.tasks->commit();
  if (timeline_) timeline_->commit();
  write_whole(directory_, "provenance.json", provenance_json(provenance));
  write_whole(directory_, "summary.json", summary_json(summary, config));
}

}  // namespace regroup
