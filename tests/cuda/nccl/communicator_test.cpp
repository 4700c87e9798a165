#include "runtime/cuda/nccl/communicator.hpp"

#include "core/errors.hpp"
#include "runtime/cuda/nccl/communicator_cache.hpp"
#include "tests/cuda/nccl/nccl_fixture.hpp"
#include "tests/cuda/support/emulated_machine.hpp"

namespace regroup::cuda::testing {
namespace {

using NcclLibraryTest = NcclTest;

TEST_F(NcclLibraryTest, SaysItsVersion) { EXPECT_EQ(library.version(), "2.28.9"); }

TEST_F(NcclLibraryTest, TooOldIsAnError) {
  fake.version = 21704;
  EXPECT_SAYS(complaint<NcclError>([] { NcclLibrary old{RG_FAKE_NCCL}; }),
              "NCCL 2.17.4 (" RG_FAKE_NCCL ") is too old: 2.18.1 is needed");
  fake.version = 22809;
}

TEST_F(NcclLibraryTest, NotThereIsAnErrorThatNamesIt) {
  EXPECT_SAYS(complaint<CudaError>([] { NcclLibrary none{"/nowhere/libnccl.so.2"}; }),
              "NCCL: no libnccl.so.2 could be loaded");
}

class CommunicatorTest : public NcclTest {
 protected:
  std::unique_ptr<Machine> machine = emulated_machine({5, 0, 0});
  NcclWorld world{library, *machine, 0, {}, 10s};
};

TEST_F(CommunicatorTest, HasAnEndForEveryRankOfThisProcess) {
  fake.in_progress = 20;
  const int ranks[] = {3, 0, 4};
  Communicator communicator(world, ranks);
  ASSERT_EQ(communicator.ends().size(), 3u);
  for (int member = 0; member < 3; ++member) {
    const Communicator::End& end = communicator.ends()[static_cast<std::size_t>(member)];
    EXPECT_EQ(end.member, member);
    EXPECT_EQ(end.local, ranks[member]);
  }
  EXPECT_EQ(fake.ids, 1);
  EXPECT_EQ(fake.alive, 3);
  communicator.destroy();
  EXPECT_EQ(fake.destroyed, 3);
  EXPECT_EQ(fake.aborted, 0);
}

TEST_F(CommunicatorTest, OneThatIsNotDestroyedIsAborted) {
  { const Communicator communicator(world, std::vector<int>{0, 1}); }
  EXPECT_EQ(fake.aborted, 2);
}

TEST_F(CommunicatorTest, OneThatDoesNotComeIsGivenUpAtTheDeadline) {
  fake.init_hangs = true;
  world.patience = 30ms;
  const std::string said = complaint<NcclError>([&] {
    Communicator(world, std::vector<int>{4, 1});
  });
  EXPECT_SAYS(said, "creating a communicator, ranks 4, 1, did not end in time");
  EXPECT_EQ(fake.aborted, 2);
}

TEST_F(CommunicatorTest, AFailureHasNcclsWords) {
  fake.init_result = static_cast<int>(NcclResult::kRemoteError);
  EXPECT_SAYS(complaint<NcclError>([&] {
                Communicator(world, std::vector<int>{0, 1});
              }),
              "NCCL: creating a communicator, ranks 0, 1, failed: remote process exited (the fake "
              "was told to)");
}

TEST_F(CommunicatorTest, AnAsynchronousErrorIsSeen) {
  Communicator communicator(world, std::vector<int>{0, 2});
  EXPECT_EQ(communicator.asynchronous_error(), "");
  fake.async_result = static_cast<int>(NcclResult::kRemoteError);
  EXPECT_SAYS(communicator.asynchronous_error(), "ranks 0, 2, failed: remote process exited");
  EXPECT_THROW(communicator.destroy(), NcclError);
}

TEST_F(CommunicatorTest, IsSplit) {
  fake.in_progress = 3;
  Communicator parent(world, std::vector<int>{0, 1, 2, 3});
  Communicator child(parent, std::vector<int>{3, 1});
  EXPECT_EQ(fake.splits, 4);
  EXPECT_EQ(fake.ids, 1);
  ASSERT_EQ(child.ends().size(), 2u);
  EXPECT_EQ(child.ends()[0].local, 3);
  EXPECT_NE(child.ends()[0].comm, nullptr);
  child.destroy();
  parent.destroy();
}

// Ranks 5 to 9 are ours, the others another process's.
TEST_F(CommunicatorTest, OfSeveralProcessesTheFirstMembersMakesTheId) {
  world.first_rank = 5;
  world.patience = 20ms;  // nobody plays the other process
  int asked = 0;
  bool created = false;
  world.exchange_id = [&](std::span<const int>, const NcclUniqueId* own) {
    ++asked;
    created = own != nullptr;
    return own != nullptr ? *own : NcclUniqueId{"theirs"};
  };
  EXPECT_THROW(Communicator(world, std::vector<int>{6, 0}), NcclError);
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(created);
  EXPECT_EQ(fake.inits, 1) << "an end for the other process's rank";
  EXPECT_THROW(Communicator(world, std::vector<int>{0, 6}), NcclError);
  EXPECT_EQ(asked, 2);
  EXPECT_FALSE(created);
}

TEST_F(CommunicatorTest, SlicesAreRefused) {
  EXPECT_SAYS(complaint<NcclError>([&] { require_whole_gpus(*machine); }),
              "ranks 0 and 1 are both of gpu0, and NCCL takes a GPU once");
}

using CacheTest = CommunicatorTest;

TEST_F(CacheTest, TheSameRanksInTheSameOrderAreFound) {
  CommunicatorCache cache(world, 4);
  const std::vector<int> ab = {0, 1};
  const std::vector<int> ba = {1, 0};
  const Communicator* const first = &cache.get(ab);
  EXPECT_EQ(&cache.get(ab), first);
  EXPECT_NE(&cache.get(ba), first);
  EXPECT_EQ(&cache.get(ab), first);
  EXPECT_EQ(cache.counts(), (CacheCounts{2, 2, 0, 0}));
}

TEST_F(CacheTest, WhatWasUsedLongestAgoMakesRoom) {
  CommunicatorCache cache(world, 2);
  const std::vector<int> a = {0}, b = {1}, c = {2};
  cache.get(a);
  cache.get(b);
  cache.get(a);
  cache.get(c);  // for b
  EXPECT_EQ(fake.destroyed, 1);
  cache.get(a);
  EXPECT_EQ(cache.counts(), (CacheCounts{2, 3, 1, 0}));
  cache.get(b);
  EXPECT_EQ(cache.counts(), (CacheCounts{2, 4, 2, 0}));
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(fake.alive, 2);
}

TEST_F(CacheTest, EndsWithItsCommunicators) {
  {
    CommunicatorCache cache(world, 3);
    cache.get(std::vector<int>{0, 1, 2});
  }
  EXPECT_EQ(fake.destroyed, 3);
  EXPECT_EQ(fake.aborted, 0);
}

TEST_F(CacheTest, WhatHasFailedIsAborted) {
  CommunicatorCache cache(world, 3);
  cache.get(std::vector<int>{0, 1});
  EXPECT_EQ(cache.abort_failed(), "");
  fake.async_result = static_cast<int>(NcclResult::kRemoteError);
  EXPECT_SAYS(cache.abort_failed(), "remote process exited");
  EXPECT_EQ(cache.counts(), (CacheCounts{0, 1, 0, 1}));
  EXPECT_EQ(fake.aborted, 2);
}

TEST_F(CacheTest, NeedsRoomForOne) { EXPECT_THROW(CommunicatorCache(world, 0), ConfigError); }

}  // namespace
}  // namespace regroup::cuda::testing
