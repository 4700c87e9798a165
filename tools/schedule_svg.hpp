// A schedule as a picture: GPUs by time, one panel a run.
#pragma once

#include <string>
#include <vector>

namespace regroup::tools {

struct PictureOptions {
  double from_s = 0;
  double to_s = 0;   // at most from_s: to the end of the longest run
  int width = 1000;  // pixels
};

// Reads tasks.csv, requests.csv and summary.json of each folder (written by replay --out)
// and draws what ran on every GPU: colour is the request's class, a group is as high as it is wide,
// a step boundary where a request changed its GPUs is an edge, and a request that will miss its
// deadline is hatched. Throws ConfigError for a folder without them.
std::string schedule_svg(const std::vector<std::string>& directories, PictureOptions options);

}  // namespace regroup::tools
