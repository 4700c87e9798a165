// The weights of a model on the device are those that runtime/dit asks for.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "core/errors.hpp"
#include "runtime/cuda/dit/tensors.hpp"
#include "runtime/dit/model.hpp"
#include "safetensors_file.hpp"
#include "tiny_world.hpp"

namespace regroup::cuda {
namespace {

// Zeros, and what was asked for.
class Asked final : public dit::WeightSource {
 public:
  std::vector<float> read(const std::string& name, std::span<const std::size_t> shape) override {
    EXPECT_FALSE(shapes.count(name)) << name;
    shapes[name].assign(shape.begin(), shape.end());
    std::size_t size = 1;
    for (const std::size_t n : shape) size *= n;
    return std::vector<float>(size);
  }
  std::map<std::string, std::vector<std::size_t>> shapes;
};

TEST(WeightTensors, AreThoseOfTheModelOnTheCpu) {
  for (const char* const name : {"tiny-mmdit", "tiny-cross"}) {
    Asked asked;
    const dit::Dit model(dit::preset(name), asked);
    std::map<std::string, std::vector<std::size_t>> listed;
    for (const WeightTensor& tensor : weight_tensors(dit::preset(name)))
      EXPECT_TRUE(listed.emplace(tensor.name, tensor.shape).second) << tensor.name;
    EXPECT_EQ(listed, asked.shapes) << name;
  }
}

std::vector<float> on_device(const DeviceModel& model, const WeightTensor& tensor) {
  std::vector<float> values;
  const Bf16* const data = model.vector(tensor.name);
  for (std::size_t i = 0; i < tensor.size(); ++i) values.push_back(to_float(data[i]));
  return values;
}

TEST(DeviceModel, HasTheNumbersOfItsSeed) {
  const TinyModel model(tiny_model(Architecture::kJoint, 2));
  SeededDeviceWeights weights(kWeightSeed), others(kWeightSeed + 1);
  for (const WeightTensor& tensor : weight_tensors(model.config())) {
    const std::vector<float> values = on_device(*model, tensor);
    EXPECT_EQ(values, weights.read(tensor.name, tensor.shape)) << tensor.name;
    EXPECT_NE(values, others.read(tensor.name, tensor.shape)) << tensor.name;
  }
}

TEST(DeviceModel, TakesTheNumbersOfAFile) {
  TinyModel model(tiny_model(Architecture::kCross, 2));
  SeededDeviceWeights others(kWeightSeed + 1);
  SafetensorsFile file("dit_weights_test.safetensors");
  for (const WeightTensor& tensor : weight_tensors(model.config()))
    file.add(tensor.name, tensor.shape, others.read(tensor.name, tensor.shape));
  file.write();
  dit::FileWeights source(file.path());
  (*model).fill_from(source);
  for (const WeightTensor& tensor : weight_tensors(model.config()))
    EXPECT_EQ(on_device(*model, tensor), others.read(tensor.name, tensor.shape)) << tensor.name;
}

TEST(DeviceModel, RefusesHeadsThatNoAttentionHereTakes) {
  const dit::DitConfig config = dit::preset("tiny-mmdit");  // 6 numbers a head
  EXPECT_THROW(DeviceModel(config, {}, nullptr), ConfigError);
}

TEST(DeviceModel, KnowsItsShapesAndNames) {
  const TinyModel model(tiny_model(Architecture::kJoint, 2));
  EXPECT_NO_THROW((*model).rope(dit::latent_shape(model.config(), kEven)));
  EXPECT_THROW((*model).rope(dit::latent_shape(model.config(), {128, 128, 1})), InternalError);
  EXPECT_THROW((*model).vector("no such tensor"), InternalError);
}

}  // namespace
}  // namespace regroup::cuda
