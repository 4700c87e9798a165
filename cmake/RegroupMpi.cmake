# MPI is optional: REGROUP_MPI=AUTO takes it if it is there, ON insists, OFF does not look.
# Defines REGROUP_HAVE_MPI (TRUE or FALSE) and, with MPI, MPI::MPI_CXX and MPIEXEC_EXECUTABLE.
set(REGROUP_MPI AUTO CACHE STRING "Several nodes with MPI: AUTO (if it is found), ON or OFF")
set_property(CACHE REGROUP_MPI PROPERTY STRINGS AUTO ON OFF)
set(REGROUP_HAVE_MPI FALSE)
if(NOT REGROUP_MPI STREQUAL "OFF")
  set(MPI_CXX_SKIP_MPICXX TRUE)  # the C interface
  find_package(MPI 3.0 QUIET COMPONENTS CXX)
  if(MPI_CXX_FOUND)
    set(REGROUP_HAVE_MPI TRUE)
    set_target_properties(MPI::MPI_CXX PROPERTIES IMPORTED_GLOBAL TRUE)
  elseif(REGROUP_MPI STREQUAL "ON")
    message(FATAL_ERROR "REGROUP_MPI=ON, but no MPI 3.0 or later was found. Install libopenmpi-dev and "
                        "openmpi-bin, or configure with -DREGROUP_MPI=AUTO.")
  endif()
endif()
if(REGROUP_HAVE_MPI)
  message(STATUS "regroup: MPI ${MPI_CXX_VERSION}")
else()
  message(STATUS "regroup: no MPI; one process only")
endif()
