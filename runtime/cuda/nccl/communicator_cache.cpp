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

CommunicatorCache::~CommunicatorCache() { destroy_all(); }

const Communicator& CommunicatorCache::get(std::span<const int> ranks) {
  if (const Communicator* const found = find(ranks)) return *found;
  make_room();
  return add(std::make_unique<Communicator>(world_, ranks));
}

const Communicator& CommunicatorCache::split(std::span<const int> parent,
                                             std::span<const int> ranks) {
  RG_CHECK(capacity_ >= 2, "no room for a communicator and its parent");
  if (const Communicator* const found = find(ranks)) return *found;
  // In this order: the parent is now the one that was used last, and stays.
  get(parent);
  make_room();
  return add(std::make_unique<Communicator>(*find(parent), ranks));
}

void CommunicatorCache::drop(std::span<const int> ranks) {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return std::ranges::equal(entry.communicator->ranks(), ranks);
  });
  if (found != entries_.end()) destroy(found);
}

const Communicator* CommunicatorCache::find(std::span<const int> ranks) {
  for (Entry& entry : entries_)
    if (std::ranges::equal(entry.communicator->ranks(), ranks)) {
      ++counts_.hits;
      entry.used = ++uses_;
      return entry.communicator.get();
    }
  return nullptr;
}

const Communicator& CommunicatorCache::add(std::unique_ptr<Communicator> communicator) {
  entries_.push_back({std::move(communicator), ++uses_});
  ++counts_.created;
  return *entries_.back().communicator;
}

void CommunicatorCache::make_room() {
  if (entries_.size() == capacity_) destroy(std::ranges::min_element(entries_, {}, &Entry::used));
}

void CommunicatorCache::destroy(std::vector<Entry>::iterator entry) {
  const std::unique_ptr<Communicator> leaving = std::move(entry->communicator);
  entries_.erase(entry);
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

// A communicator that cannot be destroyed is aborted by its own destructor.
void CommunicatorCache::destroy_all() noexcept {
  for (const Entry& entry : entries_) {
    try {
      entry.communicator->destroy();
    } catch (const Error&) {
    }
  }
  entries_.clear();
}

}  // namespace regroup::cuda
