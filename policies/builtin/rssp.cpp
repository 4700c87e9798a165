// Resolution-specific sequence parallelism (GF-DiT's rssp): each class of requests has a degree of
// its own, and is dealt out in turn to the lanes of that degree, whatever the load. Lanes of
// different degrees share GPUs, and sliding ones overlap: they wait for one another.
//
// A class whose degree no node has goes to lanes of one GPU, as do classes that are not named.
//
// Cost of a decision: see bound_lanes.hpp.
#include <charconv>
#include <map>

#include "policies/builtin/lanes/lane_sets.hpp"

namespace {
using namespace regroup;

// "S:4,M:4,L:1"
std::map<std::string, int> parse_degrees(const std::string& text) {
  std::map<std::string, int> degrees;
  const auto refuse = [&](const std::string& item) {
    throw std::invalid_argument("degrees=" + text + ": '" + item +
                                "' is not CLASS:DEGREE, as in S:4,M:4,L:1");
  };
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string item = text.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t colon = item.rfind(':');
    if (colon == std::string::npos) refuse(item);
    int degree = 0;
    const char* const last = item.data() + item.size();
    const auto [stop, error] = std::from_chars(item.data() + colon + 1, last, degree);
    if (error != std::errc() || stop != last) refuse(item);
    degrees[item.substr(0, colon)] = lane_degree(degree);
  }
  return degrees;
}

class Rssp final : public Policy {
 public:
  static constexpr const char* kSource = "GF-DiT, arXiv 2606.13501 (its simulator's rssp)";

  explicit Rssp(const Params& params)
      : degrees_(parse_degrees(params.get("degrees", "S:4,M:4,L:1",
                                          "GPUs of a lane for each class; other classes: 1"))),
        cut_(lane_cut(params)) {}
  Pinning pinning() const override { return Pinning::kWithinRequest; }

  void decide(const ClusterView& view, Decisions& out) override {
    if (lanes_.empty()) open(view);
    lanes_.decide(view, out, [&](const Task& task) { return turn(view, task).next(lanes_, view); });
  }

 private:
  // All single GPUs first, then the wider lanes.
  void open(const ClusterView& view) {
    by_degree_[1] = {};
    for (const auto& [name, degree] : degrees_) by_degree_[degree] = {};
    for (auto& [degree, lanes] : by_degree_) {
      const std::size_t first = lanes_.size();
      lanes_.add(view, lanes_of(view.nodes(), degree, cut_));
      lanes = {first, lanes_.size()};
      if (first == lanes_.size()) lanes = by_degree_.at(1);
    }
  }

  // Each class takes turns of its own.
  RoundRobin& turn(const ClusterView& view, const Task& task) {
    const auto [found, is_new] = turns_.try_emplace(task.request_class);
    if (is_new) {
      const auto degree = degrees_.find(std::string(view.name(task.request_class)));
      const auto [first, end] = by_degree_.at(degree == degrees_.end() ? 1 : degree->second);
      found->second = RoundRobin(first, end);
    }
    return found->second;
  }

  std::map<std::string, int> degrees_;
  LaneCut cut_;
  BoundLanes lanes_{LaneOrder::kArrival};
  std::map<int, std::pair<std::size_t, std::size_t>> by_degree_;  // first, and one past the last
  std::map<ClassId, RoundRobin> turns_;
};

}  // namespace

RG_REGISTER_POLICY(Rssp, "rssp", "a fixed degree for each class, requests dealt out in turn");
