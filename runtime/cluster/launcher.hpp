// What started this process.
#pragma once

namespace regroup::cluster {

// Whether it was a launcher by which MPI can meet the other processes: that of Open MPI or of
// MPICH, or any that speaks PMIx. `srun --mpi=none` is not one, and there MPI does not report that
// it cannot: it ends the process.
bool launched_with_mpi();

}  // namespace regroup::cluster
