#include "runtime/cuda/nccl/nccl_library.hpp"

#include <algorithm>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/errors.hpp"

namespace regroup::cuda {
namespace {

const std::string kNames[] = {"libnccl.so.2"};

Library load_file(const std::filesystem::path& file) {
  const std::string name = file.filename();
  const std::filesystem::path folder = file.parent_path();
  return {"NCCL", std::span(&name, 1), std::span(&folder, 1)};
}

}  // namespace

NcclLibrary::NcclLibrary() : NcclLibrary(Library("NCCL", kNames)) {}

NcclLibrary::NcclLibrary(const std::filesystem::path& file) : NcclLibrary(load_file(file)) {}

NcclLibrary::NcclLibrary(Library library) : library_(std::move(library)), functions_{} {
  const auto find = [this](auto*& function, const char* name) {
    function =
        library_.function<std::remove_pointer_t<std::remove_reference_t<decltype(function)>>>(name);
  };
  find(functions_.get_version, "ncclGetVersion");
  int version = 0;
  check(functions_.get_version(&version), "asking for the version");
  version_ = fmt::format("{}.{}.{}", version / 10000, version % 10000 / 100, version % 100);
  if (version < kOldestNcclVersion)
    fail<NcclError>("NCCL {} ({}) is too old: 2.18.1 is needed", version_, library_.file());
  find(functions_.get_unique_id, "ncclGetUniqueId");
  find(functions_.comm_init_rank_config, "ncclCommInitRankConfig");
  find(functions_.comm_split, "ncclCommSplit");
  find(functions_.comm_finalize, "ncclCommFinalize");
  find(functions_.comm_destroy, "ncclCommDestroy");
  find(functions_.comm_abort, "ncclCommAbort");
  find(functions_.comm_get_async_error, "ncclCommGetAsyncError");
  find(functions_.get_error_string, "ncclGetErrorString");
  find(functions_.get_last_error, "ncclGetLastError");
  find(functions_.group_start, "ncclGroupStart");
  find(functions_.group_end, "ncclGroupEnd");
  find(functions_.send, "ncclSend");
  find(functions_.receive, "ncclRecv");
  find(functions_.all_gather, "ncclAllGather");
}

void NcclLibrary::check(NcclResult result, std::string_view what) const {
  if (result == NcclResult::kSuccess || result == NcclResult::kInProgress) return;
  if (functions_.get_last_error == nullptr)  // while loading
    fail<NcclError>("NCCL: {} failed: error {}", what, static_cast<int>(result));
  fail<NcclError>("NCCL: {} failed: {} ({})", what, functions_.get_error_string(result),
                  functions_.get_last_error(nullptr));
}

NcclResult NcclLibrary::state_of(std::span<const NcclComm> comms) const {
  NcclResult worst = NcclResult::kSuccess;
  for (const NcclComm comm : comms) {
    NcclResult state = NcclResult::kSuccess;
    const NcclResult asked = functions_.comm_get_async_error(comm, &state);
    if (asked != NcclResult::kSuccess) return asked;
    if (state != NcclResult::kSuccess && state != NcclResult::kInProgress) return state;
    if (state == NcclResult::kInProgress) worst = state;
  }
  return worst;
}

void NcclLibrary::await(std::span<const NcclComm> comms,
                        std::chrono::steady_clock::time_point deadline,
                        std::string_view what) const {
  using namespace std::chrono_literals;
  for (auto pause = 10us;; pause = std::min<std::chrono::microseconds>(2 * pause, 1ms)) {
    const NcclResult state = state_of(comms);
    check(state, what);
    if (state == NcclResult::kSuccess) return;
    if (std::chrono::steady_clock::now() >= deadline)
      fail<NcclError>(
          "NCCL: {} did not end in time; a member may be missing, or busy with something that "
          "waits for this (NCCL_DEBUG=INFO says more)",
          what);
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace regroup::cuda
