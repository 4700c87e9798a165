// Encode, denoise and decode on GPUs of their own (TridentServe; DDiT, which does so for video), in
// the fixed form: every node is cut into an encode pool, a decode pool and lanes for denoising,
// each pool takes its work first come first served, and requests move from pool to pool.
//
// A pool is all of its lanes, whatever node they are on; a request stays on its node where a lane
// of the next pool is free there. On a node too small for three pools, encode and decode share one
// (two GPUs), or all three do (one GPU). What is left over of a node makes a narrower lane.
//
// Other than published: the sizes are given, not found (DDiT plans degrees per request,
// TridentServe resizes its pools); and a pool that has lost all its GPUs has its work done by any
// other.
//
// Cost of a decision: O(changes x log waiting).
#include <array>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "regroup/policy/policy.hpp"

namespace {
using namespace regroup;

enum Pool : std::size_t { kEncode, kDenoise, kDecode, kPools };
constexpr std::array kAllPools = {kEncode, kDenoise, kDecode};
constexpr std::size_t kNoLane = ~std::size_t{0};

class Disaggregated final : public Policy {
 public:
  static constexpr const char* kSource =
      "TridentServe, arXiv 2510.02838; DDiT, arXiv 2506.13497; GF-DiT, arXiv 2606.13501 "
      "(disaggregate)";

  explicit Disaggregated(const Params& params)
      : encode_(params.get("encode", 1, "GPUs of a node that encode")),
        decode_(params.get("decode", 1, "GPUs of a node that decode")),
        degree_(params.get("degree", 2, "GPUs of a lane for denoising")) {
    if (encode_ < 1 || decode_ < 1 || degree_ < 1)
      throw std::invalid_argument("encode, decode, degree: at least 1");
  }

  void decide(const ClusterView& view, Decisions& out) override {
    if (lanes_.empty())
      for (const Node& node : view.nodes()) cut(node, view.gpus().size());
    for (const Change& change : view.changes()) take_in(change);
    while (place_next(view, out)) {
    }
  }

 private:
  struct Lane {
    Group gpus{};
    std::array<bool, kPools> serves{};
    NodeId node{};
    std::size_t first_of_node = 0;  // the node's first lane
    int working = 0;                // GPUs that have not failed
    bool busy = false;
  };
  // The pool's queue: the order in which tasks came, and their slots.
  using Waiting = std::set<std::pair<std::uint64_t, std::uint32_t>>;

  void cut(const Node& node, std::size_t gpus) {
    lane_of_gpu_.resize(gpus, kNoLane);
    int next = 0;
    const std::size_t first_of_node = lanes_.size();
    const auto lane = [&](int width, std::initializer_list<Pool> pools) {
      Lane made{.node = node.id, .first_of_node = first_of_node, .working = width};
      for (int i = 0; i < width; ++i, ++next) {
        const GpuId gpu{node.first.value + static_cast<std::uint32_t>(next)};
        made.gpus.push_back(gpu);
        lane_of_gpu_[gpu.value] = lanes_.size();
      }
      for (const Pool pool : pools) {
        made.serves[pool] = true;
        alive_[pool] += width;
        free_[pool].insert(lanes_.size());
      }
      lanes_.push_back(made);
    };
    if (node.count == 1) return lane(1, {kEncode, kDenoise, kDecode});
    if (node.count < encode_ + decode_ + 1) {
      lane(1, {kEncode, kDecode});
    } else {
      for (int i = 0; i < encode_; ++i) lane(1, {kEncode});
      for (int i = 0; i < decode_; ++i) lane(1, {kDecode});
    }
    const int widest = std::min(degree_, static_cast<int>(kMaxGroupSize));
    while (next < node.count) lane(std::min(widest, node.count - next), {kDenoise});
  }

  Pool pool_of(const Task& task) const {
    switch (task.kind) {
      case StageKind::kEncode:
        return kEncode;
      case StageKind::kDenoise:
        return kDenoise;
      case StageKind::kDecode:
        return kDecode;
      case StageKind::kOther:
        break;
    }
    // Where its input lies, if it needs no more than one GPU.
    if (task.layouts.back().size() > 1) return kDenoise;
    if (task.group.empty()) return kEncode;
    const Lane& before = lanes_[lane_of_gpu_[task.group[0].value]];
    for (const Pool pool : {kDecode, kEncode})
      if (before.serves[pool]) return pool;
    return kDenoise;
  }

  void take_in(const Change& change) {
    switch (change.kind) {
      case Change::Kind::kTaskReady:
        release(change.task->id);
        waiting_[pool_of(*change.task)].emplace(++came_, change.task->slot);
        break;
      case Change::Kind::kTaskDone:
        release(change.task->id);
        break;
      case Change::Kind::kGpuFailed:
      case Change::Kind::kGpuRepaired: {
        const int more = change.kind == Change::Kind::kGpuFailed ? -1 : 1;
        const std::size_t lane = lane_of_gpu_[change.gpu.value];
        lanes_[lane].working += more;
        for (const Pool pool : kAllPools)
          if (lanes_[lane].serves[pool]) alive_[pool] += more;
        update(lane);
        break;
      }
      case Change::Kind::kRequestDone:
      case Change::Kind::kWoke:
        break;
    }
  }

  void release(TaskId task) {
    const auto found = running_.find(task);
    if (found == running_.end()) return;
    lanes_[found->second].busy = false;
    update(found->second);
    running_.erase(found);
  }

  void update(std::size_t lane) {
    for (const Pool pool : kAllPools) {
      if (!lanes_[lane].serves[pool]) continue;
      if (!lanes_[lane].busy && lanes_[lane].working > 0)
        free_[pool].insert(lane);
      else
        free_[pool].erase(lane);
    }
  }

  // Of the tasks that are first in their pool and have a free lane there, places the one that came
  // first. False: there is none.
  bool place_next(const ClusterView& view, Decisions& out) {
    std::size_t lane = kNoLane;
    Waiting* from = nullptr;
    for (const Pool pool : kAllPools) {
      Waiting& waiting = waiting_[pool];
      if (waiting.empty() || (from != nullptr && *from->begin() < *waiting.begin())) continue;
      const auto* free = free_lanes(pool);
      if (free == nullptr) continue;
      lane = nearest(*free, view.task(waiting.begin()->second));
      from = &waiting;
    }
    if (from == nullptr) return false;
    const Task& task = view.task(from->begin()->second);
    from->erase(from->begin());
    place(task, lane, out);
    return true;
  }

  // Those that may do the work of the pool now; nullptr: none.
  const std::set<std::size_t>* free_lanes(Pool pool) const {
    for (const Pool other : {pool, kDenoise, kDecode, kEncode})
      if ((other == pool || alive_[pool] == 0) && !free_[other].empty()) return &free_[other];
    return nullptr;
  }

  // The lane where the task's state lies, or one of that node, or the first.
  std::size_t nearest(const std::set<std::size_t>& free, const Task& task) const {
    if (task.group.empty()) return *free.begin();
    const std::size_t before = lane_of_gpu_[task.group[0].value];
    if (free.contains(before)) return before;
    const auto on_node = free.lower_bound(lanes_[before].first_of_node);
    const bool found = on_node != free.end() && lanes_[*on_node].node == lanes_[before].node;
    return found ? *on_node : *free.begin();
  }

  void place(const Task& task, std::size_t index, Decisions& out) {
    Lane& lane = lanes_[index];
    const Layout layout = task.widest(lane.working);
    Group group;
    for (const GpuId gpu : lane.gpus)
      if (out.idle().contains(gpu) && static_cast<int>(group.size()) < layout.size())
        group.push_back(gpu);
    out.place(task, group, layout);
    lane.busy = true;
    running_.emplace(task.id, index);
    update(index);
  }

  int encode_;
  int decode_;
  int degree_;
  std::vector<Lane> lanes_;  // by node
  std::vector<std::size_t> lane_of_gpu_;
  std::array<std::set<std::size_t>, kPools> free_;  // lanes that serve the pool
  std::array<int, kPools> alive_{};                 // GPUs of the pool that work
  std::array<Waiting, kPools> waiting_;
  std::map<TaskId, std::size_t> running_;  // task -> its lane
  std::uint64_t came_ = 0;
};

}  // namespace

RG_REGISTER_POLICY(Disaggregated, "disaggregated",
                   "encode, denoise and decode on GPUs of their own");
