// How messages get from one process of a job to another.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

#include "runtime/cluster/wire.hpp"

namespace regroup::cluster {

// Who sends and receives: nodes are 0, 1, ...; the controller, which lives with node 0, is this.
inline constexpr int kController = -1;

struct Mail {
  int from = kController;
  Bytes message;       // empty: `from` is gone, and nothing will come from it any more
  std::string gone{};  // how that was found out
};

using RealTime = std::chrono::steady_clock::time_point;
inline constexpr RealTime kNoDeadline = RealTime::max();

// Where the mail of one party arrives. put() on any thread, the rest by the party itself.
class Mailbox {
 public:
  void put(Mail mail) {
    const std::lock_guard lock(mutex_);
    mail_.push_back(std::move(mail));
    arrived_.notify_one();
    if (listener_) listener_();
  }
  // Nothing: `until` has come.
  std::optional<Mail> receive(RealTime until) {
    std::unique_lock lock(mutex_);
    const auto some = [&] { return !mail_.empty(); };
    if (until == kNoDeadline)
      arrived_.wait(lock, some);
    else if (!arrived_.wait_until(lock, until, some))
      return std::nullopt;
    Mail mail = std::move(mail_.front());
    mail_.pop_front();
    return mail;
  }
  // Called, on whatever thread, after each mail that has arrived; no more once it is replaced. Must
  // not call the mailbox.
  void listen(std::function<void()> listener) {
    const std::lock_guard lock(mutex_);
    listener_ = std::move(listener);
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Mail> mail_;
  std::function<void()> listener_;
};

// One party's end. Messages from one party to another arrive in the order sent. Whoever stops being
// heard of is reported once, by a mail without message, to the controller (a node) or to the nodes
// (the controller).
class Transport {
 public:
  virtual ~Transport() = default;

  virtual int self() const = 0;   // node or kController
  virtual int nodes() const = 0;  // of the job

  // Any thread; never waits. What is sent to somebody who is gone is lost.
  virtual void send(int to, Bytes message) = 0;
  virtual Mailbox& mailbox() = 0;
};

}  // namespace regroup::cluster
