#include <fmt/format.h>

#include <array>
#include <cstring>

#include "runtime/host/compute.hpp"

namespace regroup::host {
namespace {

// 512 bytes, all of which depend on everything that was done.
struct Digest {
  std::array<std::uint64_t, 64> words;

  static Digest start(RequestId request, std::uint8_t stage) {
    Digest digest;
    for (std::size_t i = 0; i < digest.words.size(); ++i)
      digest.words[i] = mix64(mix64(request.value) ^ stage ^ i << 8);
    return digest;
  }
  void step(int index) {
    std::uint64_t carry = static_cast<std::uint64_t>(index);
    for (std::uint64_t& word : words) word = carry = mix64(word ^ carry);
  }
  friend bool operator==(const Digest&, const Digest&) = default;
};

class TimedCompute final : public Compute {
 public:
  explicit TimedCompute(Jitter jitter) : jitter_(jitter) {}

  std::vector<std::byte> begin(const RunTask& task, std::span<const std::byte>) override {
    const Digest digest = Digest::start(task.request, task.stage);
    std::vector<std::byte> state(sizeof digest);
    std::memcpy(state.data(), &digest, sizeof digest);
    return state;
  }

  collectives::Status step(const StepContext& context, const RunTask& task,
                           std::vector<std::byte>& state) override {
    Digest digest;
    std::memcpy(&digest, state.data(), sizeof digest);
    digest.step(task.steps_done + context.index);
    std::memcpy(state.data(), &digest, sizeof digest);
    if (&task != &context.run.tasks.front()) return collectives::Status::kOk;
    // The batch takes the time of its first task's steps, as in simulation.
    const Duration took =
        jitter_.step(context.run.step, task.request, task.stage, task.steps_done + context.index);
    context.clock.sleep_until(context.begun + took);
    return collectives::Status::kOk;
  }

  std::string check(const RunTask& task, int steps,
                    std::span<const std::byte> state) const override {
    Digest expected = Digest::start(task.request, task.stage);
    for (int i = 0; i < steps; ++i) expected.step(i);
    if (state.size() == sizeof expected &&
        std::memcmp(state.data(), &expected, sizeof expected) == 0)
      return {};
    return fmt::format("the state of request {} is not that after {} steps of stage {}",
                       task.request.value, steps, task.stage);
  }

 private:
  Jitter jitter_;
};

}  // namespace

std::unique_ptr<Compute> timed_compute(Jitter jitter) {
  return std::make_unique<TimedCompute>(jitter);
}

}  // namespace regroup::host
