#include "runtime/cuda/gpu/rank_threads.hpp"
#include "runtime/cuda/gpu/shared_sms.hpp"

#include <bitset>
#include <cstdint>
#include <vector>

#include "runtime/cuda/gpu/device_memory.hpp"
#include "runtime/cuda/portable/device_code.hpp"
#include "runtime/cuda/portable/launch.hpp"

namespace regroup::cuda {
namespace {

constexpr int kMostSms = 512;
using Sms = std::bitset<kMostSms>;

// Every block stays for a while, so that the next one goes to another SM as long as there is one.
RG_KERNEL void __launch_bounds__(kWarp) note_sm_kernel(std::uint32_t* used, std::int64_t stay_ns) {
  if (threadIdx.x != 0) return;
  std::uint32_t sm;
  asm("mov.u32 %0, %%smid;" : "=r"(sm));
  if (sm < kMostSms) atomicOr(&used[sm / 32], 1u << sm % 32);
  const std::int64_t end = global_timer_ns() + stay_ns;
  while (global_timer_ns() < end) nap(100);
}

Sms sms_of(const MachineRank& rank) {
  constexpr int kBlocksPerSm = 32;
  constexpr std::int64_t kStayNs = 50'000;
  const DeviceBuffer used(kMostSms / 8, "the SMs that a rank uses");
  check(cudaMemsetAsync(used.data(), 0, used.bytes(), rank.compute), "clearing a buffer");
  launch(note_sm_kernel, {static_cast<unsigned>(rank.sms * kBlocksPerSm), kWarp}, rank.compute,
         used.as<std::uint32_t>(), kStayNs);
  std::uint32_t words[kMostSms / 32];
  check(cudaMemcpyAsync(words, used.data(), sizeof(words), cudaMemcpyDefault, rank.compute),
        "reading a buffer");
  check(cudaStreamSynchronize(rank.compute), "looking where kernels run");
  Sms sms;
  for (int sm = 0; sm < kMostSms; ++sm)
    sms[static_cast<std::size_t>(sm)] = (words[sm / 32] >> sm % 32 & 1) != 0;
  return sms;
}

}  // namespace

std::string find_shared_sms(const Machine& machine) {
  std::vector<Sms> of_ranks(static_cast<std::size_t>(machine.ranks()));
  on_every_rank(machine, [&](int rank) {
    of_ranks[static_cast<std::size_t>(rank)] = sms_of(machine.rank(rank));
  });
  for (int rank = 0; rank < machine.ranks(); ++rank)
    for (int other = 0; other < rank; ++other) {
      if (machine.rank(other).ordinal != machine.rank(rank).ordinal) continue;
      const Sms shared =
          of_ranks[static_cast<std::size_t>(other)] & of_ranks[static_cast<std::size_t>(rank)];
      if (shared.any())
        return "ranks " + std::to_string(other) + " and " + std::to_string(rank) + " share " +
               std::to_string(shared.count()) + " SMs of gpu" +
               std::to_string(machine.rank(rank).ordinal);
    }
  return {};
}

}  // namespace regroup::cuda
