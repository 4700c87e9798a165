# Finds protozero, which is headers only, and defines Protozero::headers.
find_path(PROTOZERO_INCLUDE_DIR protozero/pbf_builder.hpp)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Protozero REQUIRED_VARS PROTOZERO_INCLUDE_DIR)
if(Protozero_FOUND AND NOT TARGET Protozero::headers)
  add_library(Protozero::headers INTERFACE IMPORTED)
  target_include_directories(Protozero::headers SYSTEM INTERFACE ${PROTOZERO_INCLUDE_DIR})
endif()
