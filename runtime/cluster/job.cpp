#include "runtime/cluster/job.hpp"

#include <cstdlib>

#include "core/errors.hpp"
#ifdef REGROUP_HAVE_MPI
#include "runtime/cluster/mpi_network.hpp"
#endif

namespace regroup::cluster {
namespace {

// The variables of Open MPI, of MPICH, and of whoever else speaks PMIx.
bool started_by_mpirun() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"})
    if (std::getenv(name) != nullptr) return true;
  return false;
}

}  // namespace

#ifdef REGROUP_HAVE_MPI

Job::Job(MakeNode make) : make_(std::move(make)) {}

void Job::join() {
  if (!started_by_mpirun()) return;
  network_ = std::make_unique<MpiNetwork>();
  if (is_node()) return;
  controller_ = network_->transport(kController);
  node_ = std::thread([this] { (void)serve_node(*network_->transport(0), make_); });
}

Job::~Job() {
  if (node_.joinable()) end(EXIT_FAILURE);
}

bool Job::is_node() const { return network_ != nullptr && network_->process() != 0; }

int Job::serve() { return serve_node(*network_->transport(network_->process()), make_); }

void Job::end(int code) {
  if (controller_ == nullptr) return;
  for (int to = 0; to < controller_->nodes(); ++to) controller_->send(to, encode(End{code}));
  if (node_.joinable()) node_.join();
}

#else

class MpiNetwork {};

Job::Job(MakeNode make) : make_(std::move(make)) {}

void Job::join() {
  if (started_by_mpirun())
    fail<ConfigError>(
        "started by mpirun, but built without MPI: install libopenmpi-dev and build again");
}
Job::~Job() = default;
bool Job::is_node() const { return false; }
int Job::serve() { return EXIT_SUCCESS; }
void Job::end(int) {}

#endif

}  // namespace regroup::cluster
