#include "runtime/cluster/launcher.hpp"

#include <cstdlib>

namespace regroup::cluster {

bool launched_with_mpi() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"})
    if (std::getenv(name) != nullptr) return true;
  return false;
}

}  // namespace regroup::cluster
