// One block against PyTorch in float32, on the same weights. Needs a Python that has PyTorch.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "runtime/cuda/dit/tensors.hpp"
#include "runtime/dit/safetensors.hpp"
#include "safetensors_file.hpp"
#include "tiny_world.hpp"

namespace regroup::cuda {
namespace {

bool runs(const std::string& command) { return std::system(command.c_str()) == 0; }

// The first that can import it; empty: none.
std::string python_with_torch() {
  for (const char* const python : {"python3", "/usr/bin/python3"})
    if (runs(fmt::format("{} -c 'import torch' 2>/dev/null", python))) return python;
  return "";
}

struct Kind {
  const char* name;
  Architecture architecture;
  std::size_t double_blocks, single_blocks, blocks;
};

class TorchTest : public ::testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Blocks, TorchTest,
                         ::testing::Values(Kind{"Double", Architecture::kJoint, 1, 0, 0},
                                           Kind{"Single", Architecture::kJoint, 0, 1, 0},
                                           Kind{"Cross", Architecture::kCross, 0, 0, 1}),
                         [](const auto& kind) { return std::string(kind.param.name); });

TEST_P(TorchTest, ABlockIsThatOfPyTorch) {
  const std::string python = python_with_torch();
  if (python.empty()) GTEST_SKIP() << "no python3 here can import torch (Debian: python3-torch)";
  dit::DitConfig config = tiny_model(GetParam().architecture, 2);
  config.double_blocks = GetParam().double_blocks;
  config.single_blocks = GetParam().single_blocks;
  config.blocks = GetParam().blocks;
  const TinyModel model(config);
  const TinyStep step = tiny_step(config, kUneven, 1);

  SafetensorsFile input(fmt::format("torch_{}.safetensors", GetParam().name));
  SeededDeviceWeights weights(kWeightSeed);
  for (const WeightTensor& tensor : weight_tensors(config))
    input.add(tensor.name, tensor.shape, weights.read(tensor.name, tensor.shape));
  input.add("text", step.prompt.text);
  input.add("pooled", {config.text_width}, step.prompt.pooled);
  input.add("latents", step.latents);
  input.write();
  const SafetensorsFile output(fmt::format("torch_{}_out.safetensors", GetParam().name));
  const auto& axes = config.rope_axes;
  ASSERT_TRUE(runs(fmt::format(
      "{} {}/tests/cuda/dit/torch_block.py {} {} {} --heads {} --sigma {} --time-features {} "
      "--grid {} {} {} --axes {} {} {}",
      python, RG_SOURCE_DIR, GetParam().name, input.path().string(), output.path().string(),
      config.heads, step.from, config.time_features, step.shape.frames, step.shape.rows(),
      step.shape.columns(), axes[0], axes[1], axes[2])));

  // x after the only block, which nothing changes before the step ends.
  TinyWorld world(model, 1, step, {layout(1, 1)});
  world.step(step, {0}, layout(1, 1));
  TinyRank& rank = world.rank(0);
  Carver carver(rank.memory.data());
  const Bf16Rows x =
      step_buffers(config, member_variant(config, step.shape, layout(1, 1), false, 0), carver).x;
  dit::Matrix found(static_cast<std::size_t>(x.rows), static_cast<std::size_t>(x.cols));
  for (std::size_t i = 0; i < found.values.size(); ++i) found.values[i] = to_float(x.data[i]);

  dit::Matrix expected(found.rows, found.cols);
  const std::size_t shape[] = {expected.rows, expected.cols};
  expected.values = dit::Safetensors(output.path()).read("x", shape);
  EXPECT_LT(relative_error(found, expected), 1e-2);
}

}  // namespace
}  // namespace regroup::cuda
