#include "runtime/cuda/nccl/nccl_issuer.hpp"

#include <fmt/format.h>

#include <chrono>

#include "core/errors.hpp"

namespace regroup::cuda {
namespace {

using collectives::Op;
using collectives::RankGroup;
using namespace std::chrono_literals;

// How often errors are looked for while there is nothing to do.
constexpr auto kPoll = 10ms;

void enqueue_barrier(const Communicator& communicator, const NcclFunctions& nccl,
                     const Communicator::End& end, const NcclCall& call) {
  communicator.check_call(nccl.all_gather(call.incoming + end.member, call.incoming, 1,
                                          NcclType::kByte, end.comm, call.stream),
                          "a barrier");
}

void enqueue_parcels(const Communicator& communicator, const NcclFunctions& nccl,
                     const Communicator::End& end, const NcclCall& call) {
  const Transfer transfer{call.op, call.shape, call.group.size, end.member};
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  for (int i = 1; i < transfer.size; ++i) {
    const int to = peer_of(transfer, i);
    const Parcel out = parcel_of(transfer, Way::kOut, to, sent);
    const std::byte* const from = (out.direct ? call.input : call.outgoing) + out.at;
    if (out.bytes() > 0)
      communicator.check_call(
          nccl.send(from, out.bytes(), NcclType::kByte, to, end.comm, call.stream), "sending");
    const Parcel in = parcel_of(transfer, Way::kIn, to, received);
    std::byte* const where = (in.direct ? call.output : call.incoming) + in.at;
    if (in.bytes() > 0)
      communicator.check_call(
          nccl.receive(where, in.bytes(), NcclType::kByte, to, end.comm, call.stream), "receiving");
  }
}

}  // namespace

NcclIssuer::NcclIssuer(const NcclWorld& world, std::size_t capacity)
    : world_(world),
      orders_(static_cast<std::size_t>(world.machine.ranks())),
      cache_(world, capacity),
      thread_([this](const std::stop_token& stop) { serve(stop); }) {}

NcclIssuer::~NcclIssuer() = default;

void NcclIssuer::issue(int local, const NcclCall& call) {
  using State = Order::State;
  std::unique_lock lock(mutex_);
  throw_if_failed();
  Order& order = orders_[static_cast<std::size_t>(local)];
  RG_CHECK(order.state == State::kNone, "two threads issue for rank {}", local);
  order = {State::kWaiting, &call};
  asked_.notify_one();
  const auto settled = [&] {
    return order.state == State::kDone || (order.state == State::kWaiting && !failure_.empty());
  };
  answered_.wait_for(lock, world_.patience,
                     [&] { return settled() || order.state == State::kTaken; });
  if (order.state == State::kWaiting && failure_.empty() && !complete(call.group))
    give_up(who_is_missing(call));
  answered_.wait(lock, settled);
  order = {};
  throw_if_failed();
}

void NcclIssuer::run(const std::function<void(CommunicatorCache&)>& work) {
  std::unique_lock lock(mutex_);
  answered_.wait(lock, [this] { return work_ == nullptr; });
  Work order{&work, nullptr, false};
  work_ = &order;
  asked_.notify_one();
  answered_.wait(lock, [&] { return order.done; });
  if (order.error) std::rethrow_exception(order.error);
}

void NcclIssuer::abort(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (failure_.empty()) give_up("NCCL: aborted: " + why);
}

std::string NcclIssuer::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void NcclIssuer::rearm() {
  std::unique_lock lock(mutex_);
  answered_.wait(lock, [this] { return !aborting_; });
  failure_.clear();
}

CacheCounts NcclIssuer::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void NcclIssuer::serve(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (aborting_) {
      lock.unlock();
      cache_.abort_all();
      lock.lock();
      aborting_ = false;
    } else if (work_ != nullptr) {
      carry_out(lock, *std::exchange(work_, nullptr));
    } else if (const RankGroup* const group = find_complete(); group != nullptr) {
      carry_out(lock, *group);
    } else if (!asked_.wait_for(lock, stop, kPoll, [this] {
                 return aborting_ || work_ != nullptr || find_complete() != nullptr;
               })) {
      look_for_errors(lock);
    }
    counts_ = cache_.counts();
    answered_.notify_all();
  }
  cache_.destroy_all();
}

const RankGroup* NcclIssuer::find_complete() const {
  if (!failure_.empty()) return nullptr;
  for (const Order& order : orders_)
    if (order.state == Order::State::kWaiting && complete(order.call->group))
      return &order.call->group;
  return nullptr;
}

bool NcclIssuer::complete(const RankGroup& group) const {
  for (int member = 0; member < group.size; ++member) {
    const int local = world_.local(group.ranks[member]);
    if (local < 0) continue;
    const Order& order = orders_[static_cast<std::size_t>(local)];
    if (order.state != Order::State::kWaiting || !(order.call->group == group)) return false;
  }
  return true;
}

void NcclIssuer::carry_out(std::unique_lock<std::mutex>& lock, RankGroup group) {
  const auto set_all = [&](Order::State state) {
    for (int member = 0; member < group.size; ++member)
      if (const int local = world_.local(group.ranks[member]); local >= 0)
        orders_[static_cast<std::size_t>(local)].state = state;
  };
  set_all(Order::State::kTaken);
  lock.unlock();
  std::string error;
  try {
    enqueue(group);
  } catch (const Error& failed) {
    error = failed.what();
  }
  lock.lock();
  if (!error.empty() && failure_.empty()) give_up(error);
  set_all(Order::State::kDone);
}

void NcclIssuer::carry_out(std::unique_lock<std::mutex>& lock, Work& work) {
  lock.unlock();
  try {
    (*work.function)(cache_);
  } catch (...) {
    work.error = std::current_exception();
  }
  lock.lock();
  work.done = true;
}

void NcclIssuer::look_for_errors(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  const std::string said = cache_.abort_failed();
  lock.lock();
  if (!said.empty() && failure_.empty()) give_up(said);
}

// The orders are taken: nobody but this thread touches them.
void NcclIssuer::enqueue(const RankGroup& group) {
  int ranks[collectives::kMaxRanks];
  for (int member = 0; member < group.size; ++member) ranks[member] = group.ranks[member];
  const Communicator& communicator = cache_.get({ranks, group.size});
  const NcclFunctions& nccl = world_.library.functions();
  const auto call_of = [this](const Communicator::End& end) -> const NcclCall& {
    return *orders_[static_cast<std::size_t>(end.local)].call;
  };
  const NcclCall& first = call_of(communicator.ends().front());
  for (const Communicator::End& end : communicator.ends())
    if (call_of(end).op != first.op || !(call_of(end).shape == first.shape))
      fail<NcclError>("NCCL: ranks {} and {} of one group are at different operations",
                      ranks[communicator.ends().front().member], ranks[end.member]);
  communicator.group("a collective", [&] {
    for (const Communicator::End& end : communicator.ends())
      if (first.op == Op::kBarrier)
        enqueue_barrier(communicator, nccl, end, call_of(end));
      else
        enqueue_parcels(communicator, nccl, end, call_of(end));
  });
}

void NcclIssuer::give_up(const std::string& why) {
  failure_ = why;
  aborting_ = true;
  asked_.notify_one();
  answered_.notify_all();
}

void NcclIssuer::throw_if_failed() const {
  if (!failure_.empty()) throw NcclError(failure_);
}

std::string NcclIssuer::who_is_missing(const NcclCall& call) const {
  std::string missing;
  for (int member = 0; member < call.group.size; ++member) {
    const int local = world_.local(call.group.ranks[member]);
    if (local < 0) continue;
    const Order& order = orders_[static_cast<std::size_t>(local)];
    if (order.state == Order::State::kWaiting && order.call->group == call.group) continue;
    missing += fmt::format("{}{}", missing.empty() ? "" : ", ", call.group.ranks[member]);
  }
  return fmt::format("NCCL: ranks {} have not come to their group's collective of step {}", missing,
                     call.group.step);
}

}  // namespace regroup::cuda
