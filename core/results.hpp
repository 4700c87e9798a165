// The files of a run: what `--out DIR` holds.
#pragma once

#include <filesystem>
#include <memory>

#include "core/catalog.hpp"
#include "core/relay.hpp"
#include "core/summary_json.hpp"

namespace regroup {

struct ResultsOptions {
  bool tasks = false;                 // tasks.csv
  bool timeline = false;              // timeline.pftrace
  bool journal = false;               // journal
  std::uint64_t timeline_sample = 1;  // see TimelineLog
};

// Writes requests.csv and, if asked to, tasks.csv, timeline.pftrace and journal while the run goes,
// on a thread of its own (see Relay), and summary.json and provenance.json at its end. Nothing has
// its final name before commit(); without it the directory is left as it was. SystemError wherever
// the machine refuses: from here, from a later call of observer(), or from commit().
class Results {
 public:
  // Makes the directory if there is none. The other references must outlive this.
  Results(const std::filesystem::path& directory, const Catalog& catalog,
          const NameTable<ClassId>& classes, ResultsOptions options);
  ~Results();

  // What the loop is to tell; valid as long as this.
  Observer& observer() { return relay_; }

  // After on_end. Replaces the results of an earlier run in the directory, and removes its
  // tasks.csv and timeline.pftrace if this run did not write them. The summary comes last: where it
  // is, all is there.
  void commit(const Summary& summary, const ConfigBlock& config, const ConfigBlock& provenance);

 private:
  class Files;

  std::filesystem::path directory_;
  NameTable<ClassId> classes_;  // for the files' thread
  std::unique_ptr<Files> files_;
  Relay relay_;  // last: its thread uses the others
};

}  // namespace regroup
