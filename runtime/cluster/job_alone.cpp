// Built without MPI.
#include <cstdlib>

#include "core/errors.hpp"
#include "runtime/cluster/job.hpp"
#include "runtime/cluster/launcher.hpp"

namespace regroup::cluster {

class MpiNetwork {};

Job::Job(MakeNode make) : make_(std::move(make)) {}

void Job::join() {
  if (launched_with_mpi())
    fail<ConfigError>(
        "started by mpirun, but built without MPI: install libopenmpi-dev and build again");
}
Job::~Job() = default;
bool Job::is_node() const { return false; }
int Job::serve() { return EXIT_SUCCESS; }
void Job::end(int) {}

}  // namespace regroup::cluster
