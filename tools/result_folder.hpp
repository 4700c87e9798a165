// What a run left behind in `--out DIR`, read back.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/backend.hpp"

namespace regroup::tools {

// A row of requests.csv.
struct RequestRow {
  std::string id, request_class, model;
  TimePoint arrival{};
  TimePoint start = kNever;   // first launch; kNever: there was none
  TimePoint finish = kNever;  // kNever: rejected or unfinished
  TimePoint deadline = kNever;
  Shape shape{};
  int steps = 0;
  int priority = 0;
  bool rejected = false;

  // Finished late, or not at all.
  bool violated() const { return finish == kNever || finish > deadline; }
};

// A row of tasks.csv: one task of one run.
struct TaskRow {
  std::uint64_t run = 0;
  std::string request, stage;
  Group group;
  Layout layout{};
  int steps = 0;  // done
  TimePoint launched{}, ended{};
  RunTimes times;
  Duration expected{};
  bool failed = false;
};

struct ResultFolder {
  std::filesystem::path path;
  std::map<std::string, std::string> config;      // of summary.json
  std::map<std::string, std::string> provenance;  // empty without provenance.json
  std::vector<RequestRow> requests;               // in the order of the file

  // A value of `config`, or what it stands for where it is not written.
  std::string config_value(const std::string& key, const std::string& otherwise = "") const;
  // Where the run took place: "sim", "host", "cuda", "journal:FILE"; empty if that is not known.
  std::string on() const;
};

// Throws ConfigError, naming the file, for a folder that holds no complete run, and SystemError
// where the machine refuses. Columns and keys beyond those above are passed over.
ResultFolder read_results(const std::filesystem::path& directory);

// DIR/tasks.csv, by run. Throws ConfigError if there is none.
std::vector<TaskRow> read_tasks(const std::filesystem::path& directory);

}  // namespace regroup::tools
