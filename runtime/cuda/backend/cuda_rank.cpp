#include "runtime/cuda/backend/cuda_rank.hpp"

#include "runtime/collectives/describe.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

using serve::RunTask;
using serve::StateRef;

class CudaRank final : public serve::RankDevice {
 public:
  CudaRank(const Machine& machine, const DeviceWorld& world, const RankTools& tools,
           const RankMigration& migration, std::unique_ptr<RankCompute> compute)
      : machine_(machine),
        world_(world),
        tools_(tools),
        migration_(migration),
        compute_(std::move(compute)) {}

  void attach() override { machine_.make_current(tools_.rank); }
  // A slice's own context can be current to one thread only, the worker. Its streams can be used
  // from the GPU's.
  void attach_sender() override {
    cuda::check(cudaSetDevice(machine_.rank(tools_.rank).ordinal), "choosing the sender's GPU");
  }

  StateRef begin(const RunTask& task, const StateRef& before) override {
    StateRef state = compute_->begin(task, before);
    finish("beginning a stage");
    return state;
  }

  StateRef step(const serve::StepContext& context, const RunTask& task, const StateRef& now,
                std::string& why) override {
    StateRef next = compute_->step(context, task, now);
    finish("a step");
    why = tools_.exchanges->failure();
    return why.empty() ? next : nullptr;
  }

  std::string check(const RunTask& task, int steps, const StateRef& state) override {
    return compute_->check(task, steps, state);
  }

  StateRef snapshot(const StateRef& state) override {
    return migration_.snapshots->snapshot(state, stream_of_puts());
  }

  StateRef corrupted(const StateRef& state) override {
    const auto copy = make_state(state->bytes());
    cuda::check(cudaMemcpyAsync(copy->numbers(), cuda_state(state).data(), state->bytes(),
                                cudaMemcpyDefault, tools_.stream),
                "copying a state");
    // As numbers of either width, these are not finite.
    cuda::check(
        cudaMemsetAsync(copy->numbers() + state->bytes() / 2 / 4 * 4, 0xff, 4, tools_.stream),
        "corrupting a state");
    finish("corrupting a state");
    return copy;
  }

  StateRef await_put(const RunTask& task, TimePoint, std::string& why) override {
    auto state = make_state(task.put_bytes);
    migration_.receipts->await_put(tools_.stream, task.put, task.put_offset, task.put_bytes);
    cuda::check(cudaMemcpyAsync(state->numbers(), migration_.receipts->window() + task.put_offset,
                                task.put_bytes, cudaMemcpyDefault, tools_.stream),
                "taking a state from the window");
    finish("receiving a state");
    if (const collectives::Failure* failure =
            world_.failure(tools_.rank, collectives::Channel::kReceipts)) {
      why = collectives::describe(*failure);
      return nullptr;
    }
    return state;
  }

  void put(const serve::Put& order, TimePoint) override {
    migration_.puts->put(stream_of_puts(), order.group, order.offset, cuda_state(order.data).data(),
                         order.data->bytes());
    cuda::check(cudaStreamSynchronize(stream_of_puts()), "sending a state");
  }

 private:
  cudaStream_t stream_of_puts() const { return machine_.rank(tools_.rank).migration; }
  std::shared_ptr<const DeviceState> make_state(std::uint64_t bytes) const {
    return std::make_shared<const DeviceState>(tools_.states->take(bytes), bytes);
  }
  // Kernels that wait give up after their watchdog's time, so this ends.
  void finish(const char* what) const { cuda::check(cudaStreamSynchronize(tools_.stream), what); }

  const Machine& machine_;
  const DeviceWorld& world_;
  RankTools tools_;
  RankMigration migration_;
  std::unique_ptr<RankCompute> compute_;
};

}  // namespace

std::unique_ptr<serve::RankDevice> cuda_rank(const Machine& machine, const DeviceWorld& world,
                                             const RankTools& tools, const RankMigration& migration,
                                             std::unique_ptr<RankCompute> compute) {
  return std::make_unique<CudaRank>(machine, world, tools, migration, std::move(compute));
}

}  // namespace regroup::cuda
