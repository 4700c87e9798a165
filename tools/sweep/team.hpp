// The processes of a sweep that mpirun or srun started together and that share its work by
// messages.
#pragma once

#include <memory>

#include "tools/sweep/work_queue.hpp"

namespace regroup::tools {

// One object a process, on its main thread, for as long as the process has anything to do with the
// others. The member of rank 0 has the queue.
class Team {
 public:
  virtual ~Team() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;

  // Rank 0: gives the queue's work to the others, until each of them has left. It sleeps between
  // messages, so that a thread beside it can work through the same queue.
  virtual void serve(WorkQueue& queue) = 0;
  // The others: rank 0's queue. Its end, the destructor, is what leaving means: rank 0 then holds
  // that all this process did is on the disk.
  virtual std::unique_ptr<WorkSource> queue_of_rank_0() = 0;
};

// Meets the processes that were started with this one, `expected` of them, by a launcher that
// speaks MPI (cluster::launched_with_mpi()). Null if they cannot be met: built without MPI, or with
// another one.
std::unique_ptr<Team> join_team(int expected);

}  // namespace regroup::tools
