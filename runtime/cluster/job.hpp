// This process among those that mpirun started.
#pragma once

#include <memory>
#include <thread>

#include "runtime/cluster/node_server.hpp"

namespace regroup::cluster {

class MpiNetwork;

// Belongs to main(): the exit code of the first process is that of all.
//
//   cluster::Job job(make_node);
//   const int code = run(argc, argv, job);  // what needs several nodes calls job.join()
//   job.end(code);
//   return code;
class Job {
 public:
  explicit Job(MakeNode make);
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Joins the other processes, if mpirun started this one. ConfigError: it did, but this program
  // was built without MPI; SystemError: MPI refuses.
  void join();

  // Whether this is a process of a job, but not its first. Then it does what the first one says,
  // prints nothing, and ends with the same exit code: serve() returns it. See serve_node().
  bool is_node() const;
  int serve();

  // The first process: the controller's end, for a ClusterBackend. nullptr: no job.
  Transport* controller() { return controller_.get(); }
  // By the first process: all nodes end with that exit code. Without effect on a node.
  void end(int code);

 private:
  MakeNode make_;
  std::unique_ptr<MpiNetwork> network_;
  std::unique_ptr<Transport> controller_;
  std::thread node_;  // node 0
};

}  // namespace regroup::cluster
