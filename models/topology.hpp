// The inside of one node: GPUs, switches and NICs, and the way from each GPU to each other.
#pragma once

#include <string>
#include <vector>

namespace regroup::models {

struct GpuKind;

// The cheapest way between two ends: its narrowest link, and the latency of all of them.
struct Path {
  double bytes_per_s = 0;
  double seconds = 0;

  double time(double bytes) const { return bytes / bytes_per_s + seconds; }
  // One way after the other.
  friend Path operator+(const Path& a, const Path& b) {
    return {a.bytes_per_s < b.bytes_per_s ? a.bytes_per_s : b.bytes_per_s, a.seconds + b.seconds};
  }
};

// A link works both ways. Its ends are "gpu0", "gpu1", ..., "fabric" (what joins the nodes), or any
// other name: a switch, a root complex, a NIC.
struct Link {
  std::string from, to;
  double bytes_per_s = 0;
  double seconds = 0;
};

// Latency of one hop over each kind of link.
struct LinkLatency {
  double nvlink_s = 0, pcie_s = 0, network_s = 0;
};

class NodeTopology {
 public:
  // All ways are searched here, by least latency; asking is a look-up. Throws ConfigError, naming
  // the ends, if there is no way between two GPUs, or from a GPU to "fabric".
  NodeTopology(int gpus, const std::vector<Link>& links);

  int gpus() const { return gpus_; }
  const Path& path(std::size_t from, std::size_t to) const {
    return paths_[from * static_cast<std::size_t>(gpus_ + 1) + to];
  }
  const Path& to_fabric(std::size_t from) const {
    return path(from, static_cast<std::size_t>(gpus_));
  }

 private:
  int gpus_;
  std::vector<Path> paths_;  // [from][to]; the last `to` is the fabric
};

// How nodes of that GPU are built. NVSwitch: every GPU on one switch. PCIe: two switches under two
// root complexes, half of the GPUs each. Every GPU reaches the fabric through a NIC.
std::vector<Link> usual_links(const GpuKind& gpu, int gpus, const LinkLatency& latency);

}  // namespace regroup::models
