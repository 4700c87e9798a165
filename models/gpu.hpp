// What one kind of GPU can do, and how nodes of it are usually built.
#pragma once

#include <cstdint>
#include <string>

namespace regroup::models {

class Json;

struct GpuKind {
  enum class NodeForm { kNvSwitch, kPcie };

  std::string name;
  double flops = 0;  // dense bf16, per second, as the vendor states it
  double hbm_bytes_per_s = 0;
  std::int64_t memory_bytes = 0;  // 10^9 bytes a GB
  NodeForm node_form = NodeForm::kNvSwitch;
  int gpus_per_node = 0;
  double link_bytes_per_s = 0;  // each way: NVLink, or PCIe
  double nic_bytes_per_s = 0;   // each way, for each GPU
  std::string collectives;      // the measured table used for it, or "pcie": no table, a fit
  std::string source;

  // A file of models/data/gpus. Throws ConfigError.
  static GpuKind parse(const Json& json);
};

}  // namespace regroup::models
