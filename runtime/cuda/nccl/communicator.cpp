#include "runtime/cuda/nccl/communicator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/errors.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

std::vector<Communicator::End> ends_of(const NcclWorld& world, std::span<const int> ranks) {
  std::vector<Communicator::End> ends;
  for (std::size_t member = 0; member < ranks.size(); ++member)
    if (const int local = world.local(ranks[member]); local >= 0)
      ends.push_back({static_cast<int>(member), local, nullptr});
  RG_CHECK(!ends.empty(), "none of the ranks {} is of this process", fmt::join(ranks, ", "));
  return ends;
}

NcclUniqueId exchange_id(const NcclWorld& world, std::span<const int> ranks) {
  NcclUniqueId id;
  const bool creates = world.local(ranks.front()) >= 0;
  if (creates)
    world.library.check(world.library.functions().get_unique_id(&id), "making a communicator's id");
  if (world.exchange_id) return world.exchange_id(ranks, creates ? &id : nullptr);
  RG_CHECK(creates, "rank {} is of another process, and there is no way to it", ranks.front());
  return id;
}

void use_gpu_of(const NcclWorld& world, int local) {
  check(cudaSetDevice(world.machine.rank(local).ordinal), "choosing a GPU");
}

}  // namespace

void require_whole_gpus(const Machine& machine) {
  for (int rank = 0; rank < machine.ranks(); ++rank)
    for (int other = 0; other < rank; ++other)
      if (machine.rank(rank).ordinal == machine.rank(other).ordinal)
        fail<NcclError>(
            "ranks {} and {} are both of gpu{}, and NCCL takes a GPU once in a communicator; give "
            "whole GPUs, or use the group-free collectives",
            other, rank, machine.rank(rank).ordinal);
}

Communicator::Communicator(const NcclWorld& world, std::span<const int> ranks)
    : world_(&world), ranks_(ranks.begin(), ranks.end()), ends_(ends_of(world, ranks)) {
  constexpr const char* kWhat = "creating a communicator";
  const NcclUniqueId id = exchange_id(world, ranks);
  try {
    group(kWhat, [&] {
      for (End& end : ends_) {
        use_gpu_of(world, end.local);
        NcclConfig config;
        check_call(world.library.functions().comm_init_rank_config(&end.comm, size(), id,
                                                                   end.member, &config),
                   kWhat);
      }
    });
    await_ends(kWhat);
  } catch (...) {
    abort();
    throw;
  }
}

Communicator::Communicator(const Communicator& parent, std::span<const int> ranks)
    : world_(parent.world_),
      ranks_(ranks.begin(), ranks.end()),
      ends_(ends_of(*parent.world_, ranks)) {
  constexpr const char* kWhat = "splitting off a communicator";
  RG_CHECK(parent.ends_.size() == parent.ranks_.size(), "splitting between processes");
  try {
    parent.group("being split", [&] {
      for (const End& of_parent : parent.ends_) {
        const auto mine = std::find_if(ends_.begin(), ends_.end(), [&](const End& end) {
          return end.local == of_parent.local;
        });
        const bool member = mine != ends_.end();
        use_gpu_of(*world_, of_parent.local);
        NcclConfig config;
        config.split_share = 1;
        NcclComm none = nullptr;
        check_call(world_->library.functions().comm_split(of_parent.comm, member ? 0 : kNcclNoColor,
                                                          member ? mine->member : 0,
                                                          member ? &mine->comm : &none, &config),
                   kWhat);
      }
    });
    // A handle is there when its parent is done.
    parent.await_ends(kWhat);
    await_ends(kWhat);
  } catch (...) {
    abort();
    throw;
  }
}

Communicator::~Communicator() { abort(); }

Communicator::GroupScope::GroupScope(const Communicator& communicator, const char* what)
    : communicator_(communicator), what_(what) {
  communicator.check_call(communicator.world_->library.functions().group_start(), what);
}

Communicator::GroupScope::~GroupScope() {
  if (open_) static_cast<void>(communicator_.world_->library.functions().group_end());
}

void Communicator::GroupScope::end() {
  open_ = false;
  const NcclResult ended = communicator_.world_->library.functions().group_end();
  communicator_.check_call(ended, what_);
  if (ended == NcclResult::kInProgress) communicator_.await_ends(what_);
}

std::string Communicator::asynchronous_error() const {
  try {
    check_call(world_->library.state_of(comms()), "what was enqueued");
  } catch (const NcclError& error) {
    return error.what();
  }
  return {};
}

void Communicator::destroy() {
  constexpr const char* kWhat = "destroying a communicator";
  const NcclFunctions& nccl = world_->library.functions();
  for (const End& end : ends_) {
    use_gpu_of(*world_, end.local);
    check_call(nccl.comm_finalize(end.comm), kWhat);
  }
  await_ends(kWhat);
  for (End& end : ends_) {
    use_gpu_of(*world_, end.local);
    check_call(nccl.comm_destroy(std::exchange(end.comm, nullptr)), kWhat);
  }
}

void Communicator::abort() noexcept {
  for (End& end : ends_)
    if (const NcclComm comm = std::exchange(end.comm, nullptr); comm != nullptr)
      static_cast<void>(world_->library.functions().comm_abort(comm));
}

void Communicator::check_call(NcclResult result, const char* what) const {
  if (result == NcclResult::kSuccess || result == NcclResult::kInProgress) return;
  world_->library.check(result, described(what));
}

void Communicator::await_ends(const char* what) const {
  const auto deadline = std::chrono::steady_clock::now() + world_->patience;
  world_->library.await(comms(), deadline, described(what));
}

std::string Communicator::described(const char* what) const {
  return fmt::format("{}, ranks {},", what, fmt::join(ranks_, ", "));
}

std::vector<NcclComm> Communicator::comms() const {
  std::vector<NcclComm> comms;
  for (const End& end : ends_)
    if (end.comm != nullptr) comms.push_back(end.comm);
  return comms;
}

}  // namespace regroup::cuda
