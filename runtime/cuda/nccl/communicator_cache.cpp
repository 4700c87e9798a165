#include "runtime/cuda/nccl/communicator_cache.hpp"

#include <algorithm>

#include "core/errors.hpp"

namespace regroup::cuda {

CommunicatorCache::CommunicatorCache(const NcclWorld& world, std::size_t capacity)
    : world_(world), capacity_(capacity) {
  if (capacity == 0)
    fail<ConfigError>("a cache of 0 communicators: at least 1 is needed, the one in use");
  entries_.reserve(capacity);
}

// A communicator that cannot be destroyed is aborted by its own destructor.
CommunicatorCache::~CommunicatorCache() {
  for (const Entry& entry : entries_) try {
      entry.communicator->destroy();
    } catch (const Error&) {
    }
}

const Communicator& CommunicatorCache::get(std::span<const int> ranks) {
  ++gets_;
  for (Entry& entry : entries_)
    if (std::ranges::equal(entry.communicator->ranks(), ranks)) {
      ++counts_.hits;
      entry.used = gets_;
      return *entry.communicator;
    }
  if (entries_.size() == capacity_) make_room();
  entries_.push_back({std::make_unique<Communicator>(world_, ranks), gets_});
  ++counts_.created;
  return *entries_.back().communicator;
}

void CommunicatorCache::make_room() {
  const auto oldest = std::ranges::min_element(entries_, {}, &Entry::used);
  const std::unique_ptr<Communicator> leaving = std::move(oldest->communicator);
  entries_.erase(oldest);
  leaving->destroy();
  ++counts_.destroyed;
}

std::string CommunicatorCache::abort_failed() {
  std::string said;
  std::erase_if(entries_, [&](const Entry& entry) {
    const std::string error = entry.communicator->asynchronous_error();
    if (error.empty()) return false;
    if (said.empty()) said = error;
    ++counts_.aborted;
    return true;
  });
  return said;
}

void CommunicatorCache::abort_all() {
  counts_.aborted += entries_.size();
  entries_.clear();
}

}  // namespace regroup::cuda
