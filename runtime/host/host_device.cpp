#include "runtime/host/host_device.hpp"

#include "runtime/collectives/describe.hpp"
#include "runtime/collectives/puts.hpp"

namespace regroup::host {
namespace {

using collectives::Status;
using serve::ClockReading;
using serve::Look;
using serve::StateRef;

std::int64_t nanoseconds(TimePoint at) { return at.time_since_epoch().count(); }

const std::vector<std::byte>& numbers(const StateRef& state) {
  return static_cast<const HostState&>(*state).numbers;
}

StateRef state_of(std::vector<std::byte> values) {
  return std::make_shared<const HostState>(std::move(values));
}

class HostDevice final : public serve::RankDevice {
 public:
  HostDevice(int rank, serve::Clock& clock, collectives::World& world,
             std::unique_ptr<Compute> compute)
      : rank_(rank), clock_(clock), world_(world), compute_(std::move(compute)) {}

  StateRef begin(const RunTask& task, const StateRef& before) override {
    return state_of(
        compute_->begin(task, before == nullptr ? std::span<const std::byte>() : numbers(before)));
  }

  StateRef step(const StepContext& context, const RunTask& task, const StateRef& now,
                std::string& why) override {
    std::vector<std::byte> next = numbers(now);
    if (compute_->step(context, task, next) == Status::kOk) return state_of(std::move(next));
    why = collectives::describe(world_.channel(rank_, collectives::Channel::kCollectives).failure);
    return nullptr;
  }

  std::string check(const RunTask& task, int steps, const StateRef& state) override {
    return compute_->check(task, steps, numbers(state));
  }

  StateRef snapshot(const StateRef& state) override { return state; }

  StateRef corrupted(const StateRef& state) override {
    std::vector<std::byte> bytes = numbers(state);
    bytes[bytes.size() / 2] ^= std::byte{1};
    return state_of(std::move(bytes));
  }

  StateRef await_put(const RunTask& task, TimePoint deadline, std::string& why) override {
    collectives::Receipts receipts(world_, rank_, Look{&clock_, deadline}, ClockReading{&clock_});
    if (receipts.await_put(task.put, task.put_offset, task.put_bytes, nanoseconds(deadline)) !=
        Status::kOk) {
      why = collectives::describe(receipts.failure());
      return nullptr;
    }
    const auto put = world_.window(rank_).subspan(task.put_offset, task.put_bytes);
    return state_of({put.begin(), put.end()});
  }

  void put(const serve::Put& order, TimePoint deadline) override {
    collectives::Puts puts(world_, rank_, Look{&clock_, deadline}, ClockReading{&clock_});
    (void)puts.put(order.group, order.offset, numbers(order.data), nanoseconds(deadline));
  }

 private:
  int rank_;
  serve::Clock& clock_;
  collectives::World& world_;
  std::unique_ptr<Compute> compute_;
};

}  // namespace

std::unique_ptr<serve::RankDevice> host_device(int rank, serve::Clock& clock,
                                               collectives::World& world,
                                               std::unique_ptr<Compute> compute) {
  return std::make_unique<HostDevice>(rank, clock, world, std::move(compute));
}

}  // namespace regroup::host
