#include "core/results.hpp"

#include <optional>
#include <system_error>

#include "core/errors.hpp"
#include "core/journal.hpp"
#include "core/request_log.hpp"
#include "core/task_log.hpp"
#include "core/timeline.hpp"

namespace regroup {
namespace {

const std::filesystem::path& made(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    fail<SystemError>("{}: cannot make this directory: {}", directory.string(), error.message());
  return directory;
}

void remove_stale(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  if (error)
    fail<SystemError>("{}: cannot remove the file of an earlier run: {}", path.string(),
                      error.message());
}

}  // namespace

// The files that are written while the run goes. Apart: what lies beside it is the loop's.
class alignas(kApart) Results::Files final : public Observer {
 public:
  Files(const std::filesystem::path& directory, const Catalog& catalog,
        const NameTable<ClassId>& classes, const ResultsOptions& options)
      : requests_(made(directory), catalog, classes) {
    if (options.tasks) tasks_.emplace(directory, catalog);
    if (options.timeline) timeline_.emplace(directory, catalog, classes, options.timeline_sample);
    if (options.journal) {
      journal_file_.emplace(directory, "journal");
      journal_.emplace([this](std::string_view entry) { journal_file_->write(entry); });
    }
  }

  void on_arrival(TimePoint at, const Request& request) override {
    if (tasks_) tasks_->on_arrival(at, request);
    if (timeline_) timeline_->on_arrival(at, request);
  }
  void on_launch(TimePoint at, const Launch& launch) override {
    if (journal_) journal_->on_launch(at, launch);
    if (timeline_) timeline_->on_launch(at, launch);
  }
  void on_preempt(TimePoint at, RunId run, std::span<const Task* const> tasks) override {
    if (journal_) journal_->on_preempt(at, run, tasks);
    if (timeline_) timeline_->on_preempt(at, run, tasks);
  }
  void on_run_end(const RunRecord& run) override {
    if (journal_) journal_->on_run_end(run);
    if (tasks_) tasks_->on_run_end(run);
    if (timeline_) timeline_->on_run_end(run);
  }
  void on_request_end(const RequestOutcome& outcome) override {
    requests_.on_request_end(outcome);
    if (journal_) journal_->on_request_end(outcome);
    if (tasks_) tasks_->on_request_end(outcome);
    if (timeline_) timeline_->on_request_end(outcome);
  }
  void on_gpu_failed(TimePoint at, GpuId gpu) override {
    if (journal_) journal_->on_gpu_failed(at, gpu);
  }
  void on_gpu_repaired(TimePoint at, GpuId gpu) override {
    if (journal_) journal_->on_gpu_repaired(at, gpu);
  }
  void on_wake(TimePoint at, TimePoint when) override {
    if (journal_) journal_->on_wake(at, when);
  }
  void on_instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) override {
    if (timeline_) timeline_->on_instant(at, ready_tasks, idle_gpus);
  }

  void commit(const std::filesystem::path& directory) {
    if (!tasks_) remove_stale(directory / "tasks.csv");
    if (!timeline_) remove_stale(directory / "timeline.pftrace");
    if (journal_file_) journal_file_->commit();
    requests_.commit();
    if (tasks_) tasks_->commit();
    if (timeline_) timeline_->commit();
  }

 private:
  RequestLog requests_;
  std::optional<TaskLog> tasks_;
  std::optional<TimelineLog> timeline_;
  std::optional<OutputFile> journal_file_;
  std::optional<JournalWriter> journal_;
};

Results::Results(const std::filesystem::path& directory, const Catalog& catalog,
                 const NameTable<ClassId>& classes, ResultsOptions options)
    : directory_(directory),
      files_(std::make_unique<Files>(directory, catalog, classes_, options)),
      relay_(classes, classes_, *files_) {}

Results::~Results() = default;

void Results::commit(const Summary& summary, const ConfigBlock& config,
                     const ConfigBlock& provenance) {
  relay_.finish();
  files_->commit(directory_);
  write_file(directory_ / "provenance.json", provenance_json(provenance));
  write_file(directory_ / "summary.json", summary_json(summary, config));
}

}  // namespace regroup
