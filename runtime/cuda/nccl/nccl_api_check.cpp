// nccl_api.hpp against NVIDIA's header. Compiled where that is installed; nothing to run.
#include <nccl.h>

#include <type_traits>

#include "runtime/cuda/nccl/nccl_api.hpp"

namespace regroup::cuda {
namespace {

constexpr bool equal(NcclResult ours, ncclResult_t theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}

static_assert(equal(NcclResult::kSuccess, ncclSuccess));
static_assert(equal(NcclResult::kUnhandledCudaError, ncclUnhandledCudaError));
static_assert(equal(NcclResult::kSystemError, ncclSystemError));
static_assert(equal(NcclResult::kInternalError, ncclInternalError));
static_assert(equal(NcclResult::kInvalidArgument, ncclInvalidArgument));
static_assert(equal(NcclResult::kInvalidUsage, ncclInvalidUsage));
static_assert(equal(NcclResult::kRemoteError, ncclRemoteError));
static_assert(equal(NcclResult::kInProgress, ncclInProgress));
static_assert(sizeof(NcclResult) == sizeof(ncclResult_t));
static_assert(static_cast<int>(NcclType::kByte) == static_cast<int>(ncclInt8));
static_assert(sizeof(NcclType) == sizeof(ncclDataType_t));
static_assert(sizeof(NcclUniqueId) == sizeof(ncclUniqueId));
static_assert(alignof(NcclUniqueId) == alignof(ncclUniqueId));
static_assert(std::is_same_v<std::remove_pointer_t<ncclComm_t>, ::ncclComm>);
static_assert(kNcclNoColor == NCCL_SPLIT_NOCOLOR);
static_assert(kOldestNcclVersion == NCCL_VERSION(2, 18, 1));

static_assert(sizeof(NcclConfig) <= sizeof(ncclConfig_t));
static_assert(offsetof(NcclConfig, size) == offsetof(ncclConfig_t, size));
static_assert(offsetof(NcclConfig, magic) == offsetof(ncclConfig_t, magic));
static_assert(offsetof(NcclConfig, version) == offsetof(ncclConfig_t, version));
static_assert(offsetof(NcclConfig, blocking) == offsetof(ncclConfig_t, blocking));
static_assert(offsetof(NcclConfig, cga_cluster_size) == offsetof(ncclConfig_t, cgaClusterSize));
static_assert(offsetof(NcclConfig, min_ctas) == offsetof(ncclConfig_t, minCTAs));
static_assert(offsetof(NcclConfig, max_ctas) == offsetof(ncclConfig_t, maxCTAs));
static_assert(offsetof(NcclConfig, net_name) == offsetof(ncclConfig_t, netName));
static_assert(offsetof(NcclConfig, split_share) == offsetof(ncclConfig_t, splitShare));
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 22, 3)
static_assert(offsetof(NcclConfig, traffic_class) == offsetof(ncclConfig_t, trafficClass));
#endif
static_assert(INT_MIN == NCCL_CONFIG_UNDEF_INT);

}  // namespace
}  // namespace regroup::cuda
