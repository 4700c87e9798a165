// The three service classes that the preemptive policies of GF-DiT (arXiv 2606.13501) tell apart.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "regroup/policy/policy.hpp"

namespace regroup {

// S: short, interactive. M: everything else. L: long, may be set aside.
enum class ServiceClass : std::uint8_t { kS, kM, kL };
inline constexpr std::array kServiceClasses = {ServiceClass::kS, ServiceClass::kM,
                                               ServiceClass::kL};

template <class T>
class PerClass {
 public:
  constexpr PerClass() = default;
  constexpr PerClass(T s, T m, T l) : values_{s, m, l} {}
  constexpr T& operator[](ServiceClass c) { return values_[static_cast<std::size_t>(c)]; }
  constexpr const T& operator[](ServiceClass c) const {
    return values_[static_cast<std::size_t>(c)];
  }

 private:
  std::array<T, 3> values_{};
};

// Which class of the trace is which, by name.
class ServiceClasses {
 public:
  explicit ServiceClasses(const Params& params)
      : s_(params.get("s", "S", "name of the class that comes first")),
        l_(params.get("l", "L", "name of the class that may be set aside; all others are M")) {}

  ServiceClass of(const ClusterView& view, ClassId id) {
    while (known_.size() <= id.value) {
      const auto name = view.name(ClassId{static_cast<std::uint32_t>(known_.size())});
      known_.push_back(name == s_   ? ServiceClass::kS
                       : name == l_ ? ServiceClass::kL
                                    : ServiceClass::kM);
    }
    return known_[id.value];
  }

  // Of the trace, or the published one of the class where the trace gives none.
  static int priority(const Task& task, ServiceClass c) {
    constexpr PerClass<int> kPublished{100, 50, 0};
    return task.priority != 0 ? task.priority : kPublished[c];
  }

 private:
  std::string s_, l_;
  std::vector<ServiceClass> known_;  // by ClassId
};

}  // namespace regroup
