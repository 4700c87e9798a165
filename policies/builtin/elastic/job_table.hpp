// Jobs by slot.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "policies/builtin/elastic/job.hpp"

namespace regroup::elastic {

// Grows page by page: a vector would copy all jobs now and then, and that call takes milliseconds.
// References stay valid.
class JobTable {
 public:
  Job& operator[](std::uint32_t slot) { return (*pages_[slot / kPage])[slot % kPage]; }
  const Job& operator[](std::uint32_t slot) const { return (*pages_[slot / kPage])[slot % kPage]; }

  // The same for a slot that may be new.
  Job& make(std::uint32_t slot) {
    while (pages_.size() <= slot / kPage) pages_.push_back(std::make_unique<Page>());
    return (*this)[slot];
  }

 private:
  static constexpr std::size_t kPage = 64;
  using Page = std::array<Job, kPage>;
  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace regroup::elastic
