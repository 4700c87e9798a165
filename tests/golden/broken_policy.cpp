// Breaks its contract in the way that its parameter names.
#include <stdexcept>

#include "regroup/policy/policy.hpp"

namespace {
using namespace regroup;

class Broken final : public Policy {
 public:
  explicit Broken(const Params& params) : how_(params.get("how", "busy", "what to do wrong")) {}

  void decide(const ClusterView& view, Decisions& out) override {
    if (how_ == "throw") throw std::runtime_error("I give up");
    if (how_ == "stall") return;
    if (how_ == "wake") return out.wake_at(view.now() + std::chrono::seconds(1));
    for (const Task* task : view.ready()) {
      out.place(*task, {{0}}, {});
      if (how_ == "twice") out.place(*task, {{1}}, {});
    }
  }

 private:
  std::string how_;
};

}  // namespace

RG_REGISTER_POLICY(Broken, "broken", "breaks its contract");
