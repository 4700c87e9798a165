// The words of the contract: time, identities, layouts, groups. Standard library only.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <compare>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace regroup {

// The one timeline of a run: whole nanoseconds since the run began, simulated or real.
// It has no now(): time is read from a ClusterView or a Backend, never from a global.
struct Timeline {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<Timeline, duration>;
  static constexpr bool is_steady = true;
};
using Duration = Timeline::duration;
using TimePoint = Timeline::time_point;

// "There is none": a request without a deadline has this one.
inline constexpr TimePoint kNever = TimePoint::max();

// Cost models compute in double seconds; these are the only places where the two forms meet.
// Rounds to nearest, halves away from zero, as std::llround() does, which is a call; both
// differences below are exact.
constexpr Duration from_seconds(double seconds) {
  const double exact = seconds * 1e9;
  const auto whole = static_cast<std::int64_t>(exact);
  const double rest = exact - static_cast<double>(whole);
  return Duration(whole + (rest >= 0.5) - (rest <= -0.5));
}
constexpr double to_seconds(Duration d) { return static_cast<double>(d.count()) * 1e-9; }
constexpr double to_seconds(TimePoint t) { return to_seconds(t.time_since_epoch()); }

// An integer that cannot be mixed up with another kind of integer.
template <class Tag, class Rep>
struct Id {
  Rep value{};
  friend constexpr auto operator<=>(const Id&, const Id&) = default;
};
using GpuId = Id<struct GpuIdTag, std::uint32_t>;          // 0, 1, ... through the cluster
using NodeId = Id<struct NodeIdTag, std::uint32_t>;        // 0, 1, ...
using RequestId = Id<struct RequestIdTag, std::uint64_t>;  // position in the trace, by arrival
using TaskId = Id<struct TaskIdTag, std::uint64_t>;        // never used again within a run
using RunId = Id<struct RunIdTag, std::uint64_t>;          // one launched placement
using ModelId = Id<struct ModelIdTag, std::uint32_t>;
using ClassId = Id<struct ClassIdTag, std::uint32_t>;  // the trace's `class` column
// A (model, width, height, frames, guidance on or off) that occurs in this run, counted from 0.
using ShapeId = Id<struct ShapeIdTag, std::uint32_t>;

// How a group shares the work of one step. The product is the number of GPUs.
//   cfg      1 or 2: the conditional and unconditional pass on different GPUs
//   ulysses  sequence parallel over attention heads (all-to-all); divides the head count
//   ring     sequence parallel over key-value blocks
//   tp       tensor parallel
struct Layout {
  std::uint8_t cfg = 1;
  std::uint8_t ulysses = 1;
  std::uint8_t ring = 1;
  std::uint8_t tp = 1;

  constexpr int size() const { return cfg * ulysses * ring * tp; }
  friend constexpr auto operator<=>(const Layout&, const Layout&) = default;
  friend constexpr bool operator==(const Layout& a, const Layout& b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);  // all at once
  }
};

enum class StageKind : std::uint8_t { kEncode, kDenoise, kDecode, kOther };

// The size of what is made, in pixels and frames. An image has one frame.
struct Shape {
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::int32_t frames = 1;
  friend constexpr auto operator<=>(const Shape&, const Shape&) = default;
};

// The widest group a placement may have.
inline constexpr std::size_t kMaxGroupSize = 32;

// The ordered GPUs of one task: rank i of the layout is member i. A small value, never on the heap.
class Group {
 public:
  constexpr Group() = default;
  constexpr Group(std::initializer_list<GpuId> members) {
    for (const GpuId id : members) push_back(id);
  }
  explicit constexpr Group(std::span<const GpuId> members) {
    for (const GpuId id : members) push_back(id);
  }
  constexpr Group(const Group& other) { *this = other; }
  // Nearly all groups are of a node's GPUs at most: of the rest no memory is touched.
  constexpr Group& operator=(const Group& other) {
    size_ = other.size_;
    overflowed_ = other.overflowed_;
    std::array<GpuId, kFew> few;  // copied by way of registers
    std::copy_n(other.members_.begin(), kFew, few.begin());
    std::copy_n(few.begin(), kFew, members_.begin());
    for (std::size_t i = kFew; i < size_; ++i) members_[i] = other.members_[i];
    return *this;
  }

  // A member past kMaxGroupSize is dropped, and the group overflowed: the host refuses it.
  constexpr void push_back(GpuId id) {
    if (size_ < kMaxGroupSize)
      members_[size_++] = id;
    else
      overflowed_ = true;
  }
  constexpr void clear() {
    size_ = 0;
    overflowed_ = false;
  }

  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr bool overflowed() const { return overflowed_; }
  constexpr GpuId operator[](std::size_t rank) const { return members_[rank]; }
  constexpr const GpuId* begin() const { return members_.data(); }
  constexpr const GpuId* end() const { return members_.data() + size_; }

  constexpr bool contains(GpuId id) const { return std::find(begin(), end(), id) != end(); }
  // The first n members, as a group of their own; all of them if there are not so many.
  constexpr Group first(std::size_t n) const {
    return Group(std::span<const GpuId>(begin(), std::min<std::size_t>(n, size_)));
  }

  friend constexpr bool operator==(const Group& a, const Group& b) {
    return a.overflowed_ == b.overflowed_ && std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  static constexpr std::size_t kFew = 8;

  std::uint16_t size_ = 0;  // before the members: beside the first few
  bool overflowed_ = false;
  std::array<GpuId, kMaxGroupSize> members_{};
};

}  // namespace regroup
