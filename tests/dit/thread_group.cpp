#include "thread_group.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace regroup::dit {

class ThreadGroup::Member final : public Collectives {
 public:
  Member(ThreadGroup& group, std::size_t rank) : group_(group), rank_(rank) {}

  void sequence_to_heads(const HeadSplit& split, std::span<const float> in,
                         std::span<float> out) override {
    ASSERT_EQ(in.size(), own_tokens(split) * split.heads * split.width);
    ASSERT_EQ(out.size(), split.tokens() * split.local_heads() * split.width);
    exchange(in, [&] {
      std::size_t next = 0;
      for (std::size_t t = 0; t < split.tokens(); ++t)
        for (std::size_t h = 0; h < split.local_heads(); ++h)
          for (std::size_t w = 0; w < split.width; ++w) {
            const std::size_t owner = owner_of(split, t);
            const std::size_t head = shard() * split.local_heads() + h;
            out[next++] =
                peer(owner)[((t - split.bounds[owner]) * split.heads + head) * split.width + w];
          }
    });
  }

  void heads_to_sequence(const HeadSplit& split, std::span<const float> in,
                         std::span<float> out) override {
    ASSERT_EQ(in.size(), split.tokens() * split.local_heads() * split.width);
    ASSERT_EQ(out.size(), own_tokens(split) * split.heads * split.width);
    exchange(in, [&] {
      std::size_t next = 0;
      for (std::size_t t = split.bounds[shard()]; t < split.bounds[shard() + 1]; ++t)
        for (std::size_t h = 0; h < split.heads; ++h)
          for (std::size_t w = 0; w < split.width; ++w)
            out[next++] =
                peer(h / split.local_heads())[(t * split.local_heads() + h % split.local_heads()) *
                                                  split.width +
                                              w];
    });
  }

  void swap_branches(std::span<const float> in, std::span<float> out) override {
    ASSERT_EQ(group_.layout_.cfg, 2);
    exchange(in, [&] {
      const std::size_t other = (1 - rank_ / group_.layout_.ulysses) * group_.layout_.ulysses;
      const std::span<const float> theirs = group_.shown_[other + shard()];
      ASSERT_EQ(theirs.size(), out.size());
      std::copy(theirs.begin(), theirs.end(), out.begin());
    });
  }

 private:
  std::size_t shard() const { return rank_ % group_.layout_.ulysses; }
  std::size_t own_tokens(const HeadSplit& split) const {
    return split.bounds[shard() + 1] - split.bounds[shard()];
  }
  std::span<const float> peer(std::size_t shard) const {
    return group_.shown_[rank_ / group_.layout_.ulysses * group_.layout_.ulysses + shard];
  }
  static std::size_t owner_of(const HeadSplit& split, std::size_t token) {
    std::size_t owner = 0;
    while (split.bounds[owner + 1] <= token) ++owner;
    return owner;
  }

  template <class Take>
  void exchange(std::span<const float> in, Take take) {
    group_.shown_[rank_] = in;
    group_.barrier_.arrive_and_wait();
    take();
    group_.barrier_.arrive_and_wait();
  }

  ThreadGroup& group_;
  std::size_t rank_;
};

ThreadGroup::ThreadGroup(Layout layout)
    : layout_(layout), barrier_(layout.size()), shown_(static_cast<std::size_t>(layout.size())) {}

void ThreadGroup::step(const Dit& model, const Step& step, const std::vector<Matrix*>& latents) {
  std::vector<std::jthread> threads;
  for (std::size_t rank = 0; rank < latents.size(); ++rank)
    threads.emplace_back([&, rank] {
      RankStep work(model, step, layout_, rank, *latents[rank]);
      Member member(*this, rank);
      run(work, member);
    });
}

}  // namespace regroup::dit
