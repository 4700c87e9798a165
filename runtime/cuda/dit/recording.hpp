// A step while it is written down: kernels, products and exchanges in the order in which a rank
// will carry them out.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/cuda/dit/device_model.hpp"
#include "runtime/cuda/dit/exchanges.hpp"
#include "runtime/cuda/ops/kernels.hpp"
#include "runtime/cuda/ops/rank_math.hpp"
#include "runtime/cuda/ops/vectors.hpp"

namespace regroup::cuda {

// Enqueues something; allocates nothing.
using Work = std::function<void(cudaStream_t)>;

// What a rank does up to where it must meet its peers.
struct Segment {
  std::vector<Work> work;
  std::optional<Exchange> exchange;  // then; none: the step is over
};

// Of one rank. What it is made with must outlive what it records.
class Recording {
 public:
  Recording(const DeviceModel& model, const RankMath& math, Exchanges& exchanges);

  void add(Work work) { segments_.back().work.push_back(std::move(work)); }

  // y = f(W x + b) with the weights under that name; prepares the product. No rows: nothing.
  void linear(const std::string& name, ConstBf16Rows x, Bf16Rows y,
              GemmEpilogue epilogue = GemmEpilogue::kBias);
  void linear(const std::string& name, ConstBf16Rows x, FloatRows y);
  // The same for one vector in fp32.
  void linear(const std::string& name, const float* x, float* y, Activation f = Activation::kNone);
  // Prepares it, too.
  void attention(const AttentionShape& shape, const Bf16* q, const Bf16* k, const Bf16* v, Bf16* o);

  // The staging slot for the next exchange; what is recorded after this may write into it.
  int reserve();
  std::byte* staging(int slot) { return exchanges_.staging(slot); }
  // Ends the segment.
  void exchange(const Exchange& exchange);

  const DeviceModel& model() const { return model_; }
  std::vector<Segment> take() && { return std::move(segments_); }

 private:
  void product(const std::string& name, ConstBf16Rows x, void* y, std::int64_t pitch,
               GemmEpilogue epilogue, bool float_out);

  const DeviceModel& model_;
  const RankMath& math_;
  Exchanges& exchanges_;
  std::vector<Segment> segments_{1};
  int next_slot_ = 0;
};

}  // namespace regroup::cuda
