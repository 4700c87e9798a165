// NCCL, loaded at run time.
#pragma once

#include <chrono>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "runtime/cuda/gpu/library.hpp"
#include "runtime/cuda/nccl/nccl_api.hpp"

namespace regroup::cuda {

// Immutable; outlives everything that uses it.
class NcclLibrary {
 public:
  // Where library_folders() says. Throws CudaError: not found, or a function is missing; NcclError:
  // older than 2.18.
  NcclLibrary();
  // This file.
  explicit NcclLibrary(const std::filesystem::path& file);

  const NcclFunctions& functions() const { return functions_; }
  const std::string& file() const { return library_.file(); }
  // "2.28.9".
  const std::string& version() const { return version_; }

  // Throws NcclError unless `result` is kSuccess or kInProgress: what was tried, and NCCL's words.
  void check(NcclResult result, std::string_view what) const;
  // Waits, and asks all of `comms` for their state, until none is in progress. Throws NcclError:
  // one has failed, or one still is when `deadline` has come.
  void await(std::span<const NcclComm> comms, std::chrono::steady_clock::time_point deadline,
             std::string_view what) const;
  // What one of them has failed with; kSuccess or kInProgress: none.
  NcclResult state_of(std::span<const NcclComm> comms) const;

 private:
  explicit NcclLibrary(Library library);

  Library library_;
  NcclFunctions functions_;
  std::string version_;
};

}  // namespace regroup::cuda
