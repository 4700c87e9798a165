#include "models/gpu.hpp"

#include <fmt/format.h>

#include "models/json.hpp"

namespace regroup::models {

GpuKind GpuKind::parse(const Json& json) {
  json.expect_format("regroup-gpu");
  json.allow({"format", "version", "name", "bf16_tflops", "hbm_tb_per_s", "memory_gb", "node",
              "nic_gb_per_s", "collectives", "source"});
  const Json node = json.at("node");
  node.allow({"form", "gpus", "link_gb_per_s"});

  GpuKind gpu;
  gpu.name = json.string("name");
  gpu.flops = json.positive("bf16_tflops") * 1e12;
  gpu.hbm_bytes_per_s = json.positive("hbm_tb_per_s") * 1e12;
  gpu.memory_bytes = static_cast<std::int64_t>(json.positive("memory_gb") * 1e9);
  const std::string form = node.string("form");
  if (form != "nvswitch" && form != "pcie")
    node.at("form").complain(fmt::format("'{}'; allowed: nvswitch, pcie", form));
  gpu.node_form = form == "pcie" ? NodeForm::kPcie : NodeForm::kNvSwitch;
  gpu.gpus_per_node = node.integer("gpus", 1);
  gpu.link_bytes_per_s = node.positive("link_gb_per_s") * 1e9;
  gpu.nic_bytes_per_s = json.positive("nic_gb_per_s") * 1e9;
  gpu.collectives = json.string("collectives");
  gpu.source = json.string("source");
  return gpu;
}

}  // namespace regroup::models
