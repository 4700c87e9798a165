// Every cost that a run's requests can meet, as calibration files whose entries can be replaced.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "models/platform.hpp"
#include "tools/compare/step_errors.hpp"
#include "traces/record.hpp"

namespace regroup::tools {

// All of them, not only what is replaced: a cost model infers what it is not told from what is
// near, so that one new entry alone would change others too.
class CostTable {
 public:
  // What the platform predicts, for every listed layout of every shape. References are not kept.
  CostTable(models::Platform& platform, std::span<const traces::Record> requests);

  // The entries of these cells become as much longer as was measured. A stage other than denoising
  // has one entry, on one GPU: cells that differ in their layout only share it.
  void replace(std::span<const CellError> cells);
  // The means that were measured become the dispatch and set-up times. What was not measured stays.
  void replace_overheads(const StepErrors& errors);

  // One "regroup-calibration" file for each model, to be read as a folder: takes the place of all
  // other calibrations. SystemError where the machine refuses.
  void write(const std::filesystem::path& folder) const;

 private:
  struct Entry {
    double seconds = 0;
    bool replaced = false;
  };
  static Cell key_of(Cell cell);

  std::string gpu_;
  std::map<Cell, Entry> entries_;  // stages other than denoising: on one GPU
  double dispatch_s_ = 0, setup_s_ = 0;
};

}  // namespace regroup::tools
