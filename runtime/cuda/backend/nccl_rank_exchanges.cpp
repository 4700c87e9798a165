#include "runtime/cuda/backend/nccl_rank_exchanges.hpp"

#include "core/errors.hpp"

namespace regroup::cuda {

void NcclRankExchanges::exchange(cudaStream_t stream, const Exchange& exchange) {
  if (!failure_.empty()) return;
  try {
    exchanges_.exchange(stream, exchange);
  } catch (const NcclError& error) {
    failure_ = error.what();
  }
}

void NcclRankExchanges::barrier(cudaStream_t stream, const collectives::RankGroup& group) {
  if (!failure_.empty()) return;
  try {
    exchanges_.barrier(stream, group);
  } catch (const NcclError& error) {
    failure_ = error.what();
  }
}

std::string NcclRankExchanges::failure() const {
  return failure_.empty() ? issuer_.failure() : failure_;
}

}  // namespace regroup::cuda
