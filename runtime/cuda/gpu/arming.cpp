#include "runtime/cuda/gpu/arming.hpp"

#include <atomic>

#include "core/errors.hpp"

namespace regroup::cuda {
namespace {

std::atomic<bool> is_armed = false;

}  // namespace

void arm() { RG_CHECK(!is_armed.exchange(true), "armed twice"); }

void disarm() { is_armed = false; }

bool armed() { return is_armed; }

void forbid_if_armed(const char* attempt) {
  RG_CHECK(!is_armed, "{} after the ranks were armed: it belongs before, into the plan", attempt);
}

}  // namespace regroup::cuda
