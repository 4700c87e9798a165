#include "runtime/host/state_store.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace regroup::host {
namespace {

using Header = std::array<std::int32_t, 2>;  // stage, steps

}  // namespace

std::vector<std::byte> packed(const State& state, int stage, int steps) {
  const int version = state.stage == stage ? steps : state.steps;
  const Header header = {state.stage, version};
  const std::span<const std::byte> bytes = state.after(version);
  std::vector<std::byte> out(sizeof header + bytes.size());
  std::memcpy(out.data(), &header, sizeof header);
  if (!bytes.empty()) std::memcpy(out.data() + sizeof header, bytes.data(), bytes.size());
  return out;
}

State unpacked(std::span<const std::byte> bytes) {
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  State state;
  state.stage = header[0];
  state.steps = header[1];
  state.bytes.assign(bytes.begin() + sizeof header, bytes.end());
  return state;
}

}  // namespace regroup::host
