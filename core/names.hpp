// Text seen once, a small number from then on.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace regroup {

// Ids count from 0 in order of first appearance. Names stay where they are for the table's life.
template <class IdType>
class NameTable {
 public:
  IdType intern(std::string_view name) {
    if (const auto found = ids_.find(name); found != ids_.end()) return found->second;
    const IdType id{static_cast<decltype(IdType::value)>(names_.size())};
    names_.emplace_back(name);
    ids_.emplace(names_.back(), id);
    return id;
  }
  const std::string& name(IdType id) const { return names_.at(id.value); }
  std::size_t size() const { return names_.size(); }

 private:
  std::deque<std::string> names_;
  std::map<std::string_view, IdType> ids_;
};

}  // namespace regroup
