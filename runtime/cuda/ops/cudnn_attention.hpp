// Attention by cuDNN, for who need not know its headers; where the program was built without them,
// loading fails. Not portable.
#pragma once

#include <memory>
#include <string>

#include "runtime/cuda/ops/attention.hpp"
#include "runtime/cuda/ops/math_libraries.hpp"

namespace regroup::cuda {

// Immutable; shared by all ranks. Throws CudaError if cuDNN cannot be loaded, or is too old.
std::shared_ptr<const Cudnn> load_cudnn();

// "cuDNN 9.19.0 (/usr/lib/libcudnn.so.9)"
std::string describe(const Cudnn& library);

// A rank's attention: as MathLibraries::rank_math().
std::unique_ptr<Attention> cudnn_attention(std::shared_ptr<const Cudnn> library,
                                           const MathResources& resources);

}  // namespace regroup::cuda
