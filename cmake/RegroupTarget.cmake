# How every target of this project is compiled. A folder's library is visible to others only through
# target_link_libraries, and includes are written from the top ("core/backend.hpp"), so linking is
# what lets a folder see another; tests/house checks that no include goes the wrong way.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()

# Not CMAKE_POSITION_INDEPENDENT_CODE: what may be interposed cannot be inlined in its own file, and
# events are a twentieth slower. What goes into a shared library says so itself.

# Results are byte-identical on any machine: no contraction, no -march=native, no fast-math.
add_library(regroup_options INTERFACE)
target_compile_features(regroup_options INTERFACE cxx_std_20)
target_compile_options(regroup_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -ffp-contract=off
  -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=>)
target_include_directories(regroup_options INTERFACE ${PROJECT_SOURCE_DIR})

# regroup_library(name SOURCES... )  a static library of one folder.
function(regroup_library name)
  add_library(${name} STATIC ${ARGN})
  add_library(regroup::${name} ALIAS ${name})
  target_link_libraries(${name} PUBLIC regroup_options)
endfunction()
