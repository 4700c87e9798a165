// What `--devices` says: which processors the ranks of this process are. Needs no CUDA, so that a
// mistake is reported before anything is looked for, and without a GPU too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace regroup::devices {

// A rank that is a GPU, or a slice of one: some of its SMs (streaming multiprocessors), kept for it
// by a green context.
struct RankDevice {
  int ordinal = 0;  // as CUDA counts the GPUs it may use
  int sms = 0;      // of the slice; 0: the whole GPU

  friend bool operator==(const RankDevice&, const RankDevice&) = default;
};

struct DeviceList {
  enum class Kind { kHost, kCuda };

  Kind kind = Kind::kHost;
  int ranks = 0;                     // 1 to collectives::kMaxRanks
  std::vector<RankDevice> of_ranks;  // by rank; empty for kHost

  // The GPUs, each once, in the order of their first rank.
  std::vector<int> ordinals() const;
  // The list as it may be written again: "gpu0:8x16sm,gpu1" or "host:8". For results.
  std::string text() const;

  friend bool operator==(const DeviceList&, const DeviceList&) = default;
};

// Slices have a multiple of this many SMs. On GPUs of compute capability 9.0 (H100, H200) the
// driver gives no other sizes ("Green Contexts" in the CUDA driver API).
inline constexpr int kSliceSms = 8;

// Parts separated by commas; ranks are counted in their order:
//   gpu1          a whole GPU, one rank
//   gpu0:8x16sm   8 slices of 16 SMs each of one GPU, eight ranks
//   host:8        eight ranks on this CPU; alone
// Throws ConfigError that names the part, its position and what is allowed.
DeviceList parse_device_list(std::string_view text);

}  // namespace regroup::devices
