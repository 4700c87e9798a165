// The models that people serve.
#pragma once

#include "runtime/dit/config.hpp"

namespace regroup::cuda {

inline const dit::DitConfig kFlux = dit::preset("FLUX.1-dev");
inline const dit::DitConfig kWan = dit::preset("Wan2.1-T2V-1.3B");

}  // namespace regroup::cuda
