// A world of ranks on the emulator, and programs of tests/collectives on it.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "runtime/cuda/collectives/device_collectives.hpp"
#include "runtime/cuda/collectives/device_puts.hpp"
#include "runtime/cuda/gpu/device_memory.hpp"
#include "runtime/cuda/gpu/machine.hpp"
#include "tests/collectives/program.hpp"

namespace regroup::cuda::testing {

using collectives::testing::Bytes;
using collectives::testing::Item;
using collectives::testing::Program;

// Shapes are those of tests/collectives, with heads of up to sixteen times as many bytes.
inline constexpr std::uint64_t kSlotBytes = 16 * collectives::testing::kLargestShape.bytes();

// Far beyond what a test may take: only what would hang forever runs into it.
inline constexpr std::int64_t kNever = 100'000'000'000;
// What a test that wants to run into it waits for, and how many random programs make a test. With
// ThreadSanitizer everything takes some twenty times as long.
#if defined(__SANITIZE_THREAD__)
inline constexpr std::int64_t kShort = 10'000'000'000;
inline constexpr std::uint64_t kPrograms = 1;
#else
inline constexpr std::int64_t kShort = 1'000'000'000;
inline constexpr std::uint64_t kPrograms = 4;
#endif

// Some of the program's shapes with heads of a multiple of 4 or 16 bytes.
void widen(RandomStream& random, Program& program);

// What one rank was asked to do, and whether it came out right.
class Work {
 public:
  explicit Work(int rank) : rank_(rank) {}

  // Enqueues the rank's part of the item on `stream`, in a slot of its own choice.
  void enqueue(cudaStream_t stream, DeviceCollectives& collectives, const Item& item);
  void enqueue_put(cudaStream_t stream, DevicePuts& puts, DeviceReceipts& receipts,
                   const Item& item);
  // When the stream has run empty: how many outputs are wrong.
  int wrong() const;
  // That all are right.
  void expect_right() const { EXPECT_EQ(wrong(), 0) << "rank " << rank_; }

 private:
  struct Job {
    Bytes input;
    Bytes expected;
    Bytes memory;                       // where a collective's output goes
    const std::byte* output = nullptr;  // there, or in the window
  };

  int rank_;
  std::deque<Job> jobs_;
};

class Node {
 public:
  explicit Node(int ranks, SyncMode sync = SyncMode::kSpin, std::int64_t watchdog_ns = kNever);
  ~Node();

  DeviceWorld& world() { return *world_; }
  DeviceCollectives& collectives(int rank) { return *at(collectives_, rank); }
  DevicePuts& puts(int rank) { return *at(puts_, rank); }
  DeviceReceipts& receipts(int rank) { return *at(receipts_, rank); }
  cudaStream_t compute(int rank) const { return machine_->rank(rank).compute; }
  cudaStream_t migration(int rank) const { return machine_->rank(rank).migration; }
  const Machine& machine() const { return *machine_; }

  // Each rank's part of one order of all.
  std::vector<Program> parts(const Program& whole) const;
  // Every rank enqueues its program and waits for its stream. Returns what each has done.
  std::vector<Work> run(const std::vector<Program>& programs);
  // Both at the same time, and all must come out right.
  void expect_right(const Program& collectives, const Program& puts = {});
  // After re-arming, all of it works.
  void expect_works_again(std::uint64_t seed = 0);

 private:
  template <class Of>
  static const Of& at(const std::vector<Of>& of_ranks, int rank) {
    return of_ranks[static_cast<std::size_t>(rank)];
  }

  std::unique_ptr<StreamMemops> memops_;
  std::unique_ptr<Machine> machine_;
  std::vector<DeviceBuffer> memory_;
  std::unique_ptr<DeviceWorld> world_;
  std::vector<std::unique_ptr<DeviceCollectives>> collectives_;
  std::vector<std::unique_ptr<DevicePuts>> puts_;
  std::vector<std::unique_ptr<DeviceReceipts>> receipts_;
};

std::string name(SyncMode sync, int ranks);

}  // namespace regroup::cuda::testing
