// timeline.pftrace: the run as a picture, to be opened in ui.perfetto.dev.
#pragma once

#include <map>
#include <vector>

#include "core/catalog.hpp"
#include "core/names.hpp"
#include "core/observer.hpp"
#include "core/output_file.hpp"
#include "core/perfetto_writer.hpp"

namespace regroup {

// "GPUs": a track for each, with a slice for each run on it, and in that the parts of its time
// (dispatch, set-up, migrate, compute); counters of waiting tasks and of busy GPUs.
// "Requests": under each class a track for each request: waiting and its runs; instants where it is
// told to stop at its next step, and where it breaks its SLO. Stages of one request that run at the
// same time are drawn on further tracks of the same name.
// Arrows go from a request's run to its next one where that takes in a GPU that did not have the
// request's state.
// Written as the run goes; memory grows with what is live and with the number of different names.
class TimelineLog final : public Observer {
 public:
  // Both references must outlive this. SystemError from here and every function.
  TimelineLog(const std::filesystem::path& directory, const Catalog& catalog,
              const NameTable<ClassId>& classes);

  void on_arrival(TimePoint at, const Request& request) override;
  void on_launch(TimePoint at, const Launch& launch) override;
  void on_preempt(TimePoint at, RunId run) override;
  void on_run_end(const RunRecord& run) override;
  void on_request_end(const RequestOutcome& outcome) override;
  void on_instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) override;
  void commit() { file_.commit(); }

 private:
  using Track = PerfettoWriter::Track;

  struct Lane {
    Track track{};
    TimePoint free{};  // when its last slice ends
  };
  struct Live {
    std::string label;
    ClassId request_class{};
    std::vector<Lane> lanes;  // the first is the request's own track
    int running = 0;          // its tasks that run
    TimePoint idle_since{};   // if none runs
    Group state{};            // the GPUs of its last run; empty: none yet
    TimePoint state_since{};  // when that ended
    std::uint64_t flow = 0;   // the arrow that leaves it
  };

  // The arrows that touch one run.
  struct Arrows {
    std::vector<std::uint64_t> leaving;                // one for each task
    std::vector<std::vector<std::uint64_t>> arriving;  // index = member of the group
  };

  Track class_track(ClassId request_class);
  Track add_request_track(RequestId id, const Live& request);
  Lane& free_lane(RequestId id, Live& request, TimePoint from);
  void end_waiting(Live& request, TimePoint at);
  Arrows next_arrows(const RunRecord& run);
  void draw_on_gpus(const RunRecord& run);
  void draw_on_requests(const RunRecord& run);

  const Catalog& catalog_;
  const NameTable<ClassId>& classes_;
  OutputFile file_;
  PerfettoWriter writer_;
  std::vector<Track> gpu_tracks_;    // index = GpuId
  std::vector<Track> class_tracks_;  // index = ClassId; 0: none yet
  Track requests_{}, waiting_{}, busy_{};
  std::map<RequestId, Live> live_;
  std::map<RunId, std::vector<RequestId>> running_;
  std::int64_t busy_gpus_ = 0;
  std::int64_t shown_waiting_ = -1, shown_busy_ = -1;  // the counters' last values
  std::uint64_t flows_ = 0;
};

}  // namespace regroup
