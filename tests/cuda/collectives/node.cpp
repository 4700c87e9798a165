#include "tests/cuda/collectives/node.hpp"

#include <algorithm>
#include <thread>

#include "runtime/collectives/describe.hpp"
#include "runtime/cuda/gpu/rank_threads.hpp"
#include "runtime/cuda/portable/check.hpp"
#include "tests/cuda/collectives/host_memops.hpp"
#include "tests/cuda/support/emulated_machine.hpp"

namespace regroup::cuda::testing {

using collectives::Channel;
using collectives::Op;
using collectives::testing::Oracle;
using collectives::testing::random_collectives;
using collectives::testing::random_puts;

void widen(RandomStream& random, Program& program) {
  constexpr std::uint32_t kTimes[] = {1, 4, 16};
  for (Item& item : program)
    if (item.op != Op::kBarrier) item.shape.head_bytes *= kTimes[random.below(3)];
}

void Work::enqueue(cudaStream_t stream, DeviceCollectives& collectives, const Item& item) {
  if (item.op == Op::kBarrier) return collectives.barrier(stream, item.group);
  const int me = item.group.position(rank_);
  const Oracle oracle(item.shape, item.group.size, item.group.step);
  Job& job = jobs_.emplace_back();
  job.input = oracle.input(item.op, me);
  job.expected = oracle.output(item.op, me);
  // At an address that is a multiple of 16, or not.
  job.memory.assign(job.expected.size() + 1, std::byte{0xff});
  std::byte* const output = job.memory.data() + item.group.step % 2;
  job.output = output;
  const int slot = static_cast<int>(mix64(item.group.step) % collectives::kStagingSlots);
  collectives.reserve(stream, slot);
  check(cudaMemcpyAsync(collectives.staging(slot), job.input.data(), job.input.size(),
                        cudaMemcpyDefault, stream),
        "writing an input");
  collectives.exchange(stream, item.op, item.group, item.shape, slot, output);
}

void Work::enqueue_put(cudaStream_t stream, DevicePuts& puts, DeviceReceipts& receipts,
                       const Item& item) {
  Job& job = jobs_.emplace_back();
  job.input = Oracle(item.shape, 1, item.group.step).input(Op::kPut, 0);
  if (item.group.ranks[0] == rank_)
    return puts.put(stream, item.group, item.offset, job.input.data(), job.input.size());
  job.expected = job.input;
  job.output = receipts.window() + item.offset;
  receipts.await_put(stream, item.group, item.offset, job.input.size());
}

int Work::wrong() const {
  return static_cast<int>(std::count_if(jobs_.begin(), jobs_.end(), [](const Job& job) {
    return !std::equal(job.expected.begin(), job.expected.end(), job.output);
  }));
}

Node::Node(int ranks, SyncMode sync, std::int64_t watchdog_ns)
    : memops_(std::make_unique<HostMemops>()),
      machine_(emulated_machine({ranks, collectives::HeapLayout::round_up(kSlotBytes), 8192})) {
  std::vector<DeviceRank*> of_ranks;
  for (int rank = 0; rank < ranks; ++rank)
    of_ranks.push_back(memory_.emplace_back(sizeof(DeviceRank), "a rank").as<DeviceRank>());
  WorldOptions options;
  options.watchdog_ns = watchdog_ns;
  options.copy_blocks = 3;
  options.sync = sync;
  options.memops = memops_.get();
  world_ = std::make_unique<DeviceWorld>(machine_->heap(), of_ranks, options);
  for (int rank = 0; rank < ranks; ++rank) {
    collectives_.push_back(std::make_unique<DeviceCollectives>(*world_, rank));
    puts_.push_back(std::make_unique<DevicePuts>(*world_, rank));
    receipts_.push_back(std::make_unique<DeviceReceipts>(*world_, rank));
  }
  arm();
}

Node::~Node() { disarm(); }

std::vector<Program> Node::parts(const Program& whole) const {
  std::vector<Program> programs(static_cast<std::size_t>(world_->ranks()));
  for (int rank = 0; rank < world_->ranks(); ++rank)
    for (const Item& item : whole)
      if (item.concerns(rank)) programs[static_cast<std::size_t>(rank)].push_back(item);
  return programs;
}

std::vector<Work> Node::run(const std::vector<Program>& programs) {
  std::vector<Work> works;
  for (int rank = 0; rank < world_->ranks(); ++rank) works.emplace_back(rank);
  on_every_rank(*machine_, [&](int rank) {
    for (const Item& item : at(programs, rank))
      works[static_cast<std::size_t>(rank)].enqueue(compute(rank), collectives(rank), item);
    check(cudaStreamSynchronize(compute(rank)), "running a program");
  });
  return works;
}

void Node::expect_right(const Program& collectives, const Program& puts) {
  const std::jthread migrations([&] {
    on_every_rank(*machine_, [&](int rank) {
      Work work(rank);
      for (const Item& item : puts)
        if (item.concerns(rank))
          work.enqueue_put(migration(rank), this->puts(rank), receipts(rank), item);
      check(cudaStreamSynchronize(migration(rank)), "running puts");
      if (world_->failure(rank, Channel::kReceipts) == nullptr) work.expect_right();
    });
  });
  for (const Work& work : run(parts(collectives))) work.expect_right();
  for (const collectives::Failure& failure : world_->failures()) ADD_FAILURE() << describe(failure);
}

void Node::expect_works_again(std::uint64_t seed) {
  world_->rearm();
  EXPECT_TRUE(world_->failures().empty());
  RandomStream random(seed, "after re-arming");
  expect_right(random_collectives(random, *world_, 12, 1000),
               random_puts(random, *world_, 6, 1000));
}

std::string name(SyncMode sync, int ranks) {
  return std::string(sync_mode_name(sync)) + std::to_string(ranks);
}

}  // namespace regroup::cuda::testing
