// The policies compiled into this program, by file name.
#pragma once

#include <span>

namespace regroup {

struct PolicyPlugin;
extern const std::span<const PolicyPlugin* const> kBuiltinPolicies;

}  // namespace regroup
