#include "models/communicators.hpp"

namespace regroup::models {

void Communicators::use(const Group& group) {
  Key members = key(group);
  if (const auto found = entries_.find(members); found != entries_.end()) {
    order_.splice(order_.begin(), order_, found->second);
    return;
  }
  order_.push_front(members);
  entries_.emplace(std::move(members), order_.begin());
  if (entries_.size() > kept_) {
    entries_.erase(order_.back());
    order_.pop_back();
  }
}

}  // namespace regroup::models
