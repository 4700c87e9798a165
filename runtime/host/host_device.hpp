// A rank of the host: states are bytes in memory and travel by one-sided puts between threads.
#pragma once

#include <memory>
#include <vector>

#include "runtime/host/compute.hpp"
#include "runtime/serve/rank_device.hpp"

namespace regroup::host {

struct HostState final : serve::StateData {
  std::vector<std::byte> numbers;

  explicit HostState(std::vector<std::byte> values) : numbers(std::move(values)) {}
  std::uint64_t bytes() const override { return numbers.size(); }
};

// `clock` and `world` must outlive it.
std::unique_ptr<serve::RankDevice> host_device(int rank, serve::Clock& clock,
                                               collectives::World& world,
                                               std::unique_ptr<Compute> compute);

}  // namespace regroup::host
