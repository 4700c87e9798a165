// The processes of an MPI job.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/cluster/transport.hpp"

namespace regroup::cluster {

// Process 0 is the controller and node 0, process i is node i. One thread, its own, makes all calls
// of MPI, so that any implementation will do (MPI_THREAD_FUNNELED); it sleeps while nothing comes.
//
// Process 0 and the others send each other a sign of life several times a second. Who has not been
// heard of for kSilence is gone: killed, hung, or cut off.
class MpiNetwork {
 public:
  static constexpr std::chrono::seconds kSilence{5};

  // Joins the job. SystemError: MPI refuses.
  MpiNetwork();
  // Leaves it, when what was sent has arrived. Waits for the other processes to leave as well,
  // unless one of them is gone.
  ~MpiNetwork();

  int process() const { return process_; }
  int processes() const { return processes_; }
  // Of this process: kController and 0 for process 0, i for process i. The network must outlive it.
  std::unique_ptr<Transport> transport(int party);

 private:
  friend class MpiTransport;
  struct Letter {
    int process = 0;
    int tag = 0;
    Bytes message;
  };
  struct Pending;  // a letter that MPI has not sent yet

  void send(int from, int to, Bytes message);
  Mailbox& mailbox(int party) { return party == kController ? controller_box_ : node_box_; }

  void work(std::promise<void> joined);
  bool send_letters();
  bool receive();
  void watch();
  void lose(int process, const std::string& how);
  void rest(bool busy);
  bool leave();

  int process_ = 0;
  int processes_ = 1;
  Mailbox controller_box_, node_box_;

  std::mutex mutex_;  // guards what is to be sent:
  std::condition_variable changed_;
  std::deque<Letter> letters_;
  bool leaving_ = false;

  // Of the thread:
  std::vector<std::unique_ptr<Pending>> pending_;
  std::vector<std::unique_ptr<Pending>> abandoned_;  // MPI never says when it is done with them
  std::vector<RealTime> heard_;                      // by process
  std::vector<bool> lost_;
  RealTime next_sign_{};
  RealTime last_busy_{};
  RealTime left_since_ = kNoDeadline;

  std::thread thread_;
};

}  // namespace regroup::cluster
