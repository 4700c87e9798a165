// timeline.pftrace: the run as a picture, to be opened in ui.perfetto.dev.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "core/catalog.hpp"
#include "core/id_table.hpp"
#include "core/names.hpp"
#include "core/observer.hpp"
#include "core/output_file.hpp"
#include "core/perfetto_writer.hpp"

namespace regroup {

// "GPUs": a track for each, with a slice for each run on it; counters of waiting tasks and of busy
// GPUs. In the slice of a run that did anything but compute for a hundredth of its time or more are
// the parts of that time (dispatch, set-up, migrate, compute): in others there is nothing to see.
// "Requests": under each class a track for each request: waiting and its runs; instants where it is
// told to stop at its next step, and where it breaks its SLO. Stages of one request that run at the
// same time are drawn on further tracks of the same name.
// Arrows go from a request's run to its next one where that takes in a GPU that did not have the
// request's state.
// With a sample of n only requests 0, n, 2n, ... are drawn, on the GPUs too: for runs whose picture
// would be too large to look at. The counters count everything, at instants at which something else
// is drawn.
// Written as the run goes; memory grows with what is live and with the number of different names.
class TimelineLog final : public Observer {
 public:
  // Both references must outlive this; the sample is at least 1. SystemError from here and every
  // function.
  TimelineLog(const std::filesystem::path& directory, const Catalog& catalog,
              const NameTable<ClassId>& classes, std::uint64_t sample = 1);

  void on_arrival(TimePoint at, const Request& request) override;
  void on_launch(TimePoint at, const Launch& launch) override;
  void on_preempt(TimePoint at, RunId run, std::span<const Task* const> tasks) override;
  void on_run_end(const RunRecord& run) override;
  void on_request_end(const RequestOutcome& outcome) override;
  void on_instant(TimePoint at, std::size_t ready_tasks, int idle_gpus) override;
  void commit() { file_.commit(); }

 private:
  using Track = PerfettoWriter::Track;
  using Word = PerfettoWriter::Word;
  using Stamp = PerfettoWriter::Stamp;

  // What many runs have in common, and what is said of each of them alike: made once.
  struct RunKind {
    ShapeId shape{};
    ClassId request_class{};
    std::uint8_t stage = 0;
    Layout layout{};
    std::size_t gpus = 0, batch = 0;
    int steps = 0;
    friend bool operator==(const RunKind&, const RunKind&) = default;
  };
  struct HashRunKind {
    std::size_t operator()(const RunKind& kind) const;
  };
  struct RunWords {
    RunKind kind;
    Word* on_gpus = nullptr;      // what it is called there
    Word* on_requests = nullptr;  // and there
    std::string gpu_notes, request_notes;
  };

  struct Lane {
    Track track{};
    TimePoint free{};  // when its last slice ends
  };
  struct Live {
    std::string label;  // the trace's id
    ClassId request_class{};
    std::vector<Lane> lanes;  // the first is the request's own track
    int running = 0;          // its tasks that run
    TimePoint idle_since{};   // if none runs
    Group state{};            // the GPUs of its last run; empty: none yet
    TimePoint state_since{};  // when that ended
    std::uint64_t flow = 0;   // the arrow that leaves it
    // Annotations of runs of this kind on `state`; nullptr: to be made.
    const RunWords* noted = nullptr;
    std::string gpu_notes, request_notes;
  };
  struct Drawn {
    const Task* task;
    Live* request;
  };
  // An arrow that ends at a run.
  struct Arrival {
    std::size_t member = 0;  // of the group
    std::uint64_t flow = 0;
  };

  Track class_track(ClassId request_class);
  Track add_request_track(RequestId id, const Live& request);
  Lane& free_lane(RequestId id, Live& request, TimePoint from);
  void end_waiting(Live& request, TimePoint at);
  void next_arrows(const RunRecord& run);
  void make_notes(Live& request, const RunWords& words);
  std::string_view gpu_notes(const RunWords& words);
  void draw_on_gpus(const RunRecord& run, const RunWords& words, const Stamp& launched,
                    const Stamp& ended);
  void draw_parts(const RunRecord& run, Track track);
  void draw_on_requests(const RunRecord& run, const RunWords& words, const Stamp& launched,
                        const Stamp& ended);
  const RunWords& words_of(const RunRecord& run, const RunWords* guess);
  RunWords make_words(const RunRecord& run);
  Word& word(const std::string& text);
  Word& value(const std::string& text);

  const Catalog& catalog_;
  const NameTable<ClassId>& classes_;
  const std::uint64_t sample_;
  OutputFile file_;
  PerfettoWriter writer_;
  std::vector<Track> gpu_tracks_;    // index = GpuId
  std::vector<Track> class_tracks_;  // index = ClassId; 0: none yet
  Track requests_{}, waiting_{}, busy_{};
  IdRecords<RequestId, Live> live_;  // those that are drawn
  std::int64_t busy_gpus_ = 0;
  std::int64_t shown_waiting_ = -1, shown_busy_ = -1;  // the counters' last values
  bool drew_ = true;                                   // something, since the last instant
  std::uint64_t flows_ = 0;

  // Categories, names and annotations that are always the same.
  Word run_{"run"}, part_{"part"}, request_{"request"};
  Word waiting_name_{"waiting"}, preempt_{"preempt"};
  Word late_{"deadline missed"}, rejected_{"rejected"}, unfinished_{"unfinished"};
  Word dispatch_{"dispatch"}, setup_{"set-up"}, migrate_{"migrate"}, compute_{"compute"};
  struct {
    Word request{"request"}, request_class{"class"}, run{"run"}, stage{"stage"}, degree{"degree"},
        layout{"layout"}, steps{"steps"}, expected{"expected_s"}, failed{"failed"}, gpus{"gpus"};
  } notes_;
  // Names and values that are made: found by their text, which is the key.
  std::unordered_map<std::string, Word> words_, values_;
  std::unordered_map<RunKind, RunWords, HashRunKind> kinds_;

  // Of one run; kept for their memory.
  std::vector<Drawn> drawn_;
  std::vector<std::uint64_t> leaving_, arriving_here_;
  std::vector<Arrival> arriving_;
  std::string run_notes_, annotations_, text_;
  std::size_t run_number_size_ = 0;  // of run_notes_: what says which run it is
};

}  // namespace regroup
