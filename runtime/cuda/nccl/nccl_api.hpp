// The part of NCCL's C API that this folder calls, with values and layouts of NCCL 2.18 and later.
// Declared here, and compared with nccl.h where that is installed (nccl_api_check.cpp), so that
// neither the header nor the library is needed to build, and tests can put a library of their own
// in its place.
#pragma once

#include <climits>
#include <cstddef>

#include "runtime/cuda/portable/cuda.hpp"

struct ncclComm;

namespace regroup::cuda {

// ncclResult_t.
enum class NcclResult : int {
  kSuccess = 0,
  kUnhandledCudaError = 1,
  kSystemError = 2,
  kInternalError = 3,
  kInvalidArgument = 4,
  kInvalidUsage = 5,
  kRemoteError = 6,
  kInProgress = 7,
};

// ncclDataType_t; all that is sent here is bytes.
enum class NcclType : int { kByte = 0 };

// ncclUniqueId.
struct NcclUniqueId {
  char bytes[128] = {};
};

// ncclComm_t: one rank's end of a communicator.
using NcclComm = ncclComm*;

// ncclConfig_t as it was in 2.18. Later libraries take `size` bytes and default what follows;
// traffic_class was padding then, and they read it.
struct NcclConfig {
  std::size_t size = sizeof(NcclConfig);
  unsigned magic = 0xcafebeef;
  unsigned version = 21801;
  int blocking = 0;
  int cga_cluster_size = INT_MIN;
  int min_ctas = INT_MIN;
  int max_ctas = INT_MIN;
  const char* net_name = nullptr;
  int split_share = INT_MIN;
  int traffic_class = INT_MIN;
};

inline constexpr int kNcclNoColor = -1;           // ncclCommSplit: not in the new communicator
inline constexpr int kOldestNcclVersion = 21801;  // ncclCommSplit

// The functions, as NCCL's documentation describes them.
struct NcclFunctions {
  NcclResult (*get_version)(int* version);
  NcclResult (*get_unique_id)(NcclUniqueId* id);
  NcclResult (*comm_init_rank_config)(NcclComm* comm, int size, NcclUniqueId id, int rank,
                                      NcclConfig* config);
  NcclResult (*comm_split)(NcclComm comm, int color, int key, NcclComm* split, NcclConfig* config);
  NcclResult (*comm_finalize)(NcclComm comm);
  NcclResult (*comm_destroy)(NcclComm comm);
  NcclResult (*comm_abort)(NcclComm comm);
  NcclResult (*comm_get_async_error)(NcclComm comm, NcclResult* error);
  const char* (*get_error_string)(NcclResult result);
  const char* (*get_last_error)(NcclComm comm);
  NcclResult (*group_start)();
  NcclResult (*group_end)();
  NcclResult (*send)(const void* data, std::size_t count, NcclType type, int peer, NcclComm comm,
                     cudaStream_t stream);
  NcclResult (*receive)(void* data, std::size_t count, NcclType type, int peer, NcclComm comm,
                        cudaStream_t stream);
  NcclResult (*all_gather)(const void* data, void* gathered, std::size_t count, NcclType type,
                           NcclComm comm, cudaStream_t stream);
};

}  // namespace regroup::cuda
