# regroup_add_policy(name SOURCES...)  builds lib<name>.so, a policy that `--policy` can load.
# Compiled as the built-in policies are: no contraction, so that a plugin decides the same on every
# machine; nothing exported but its table; optimised even if no build type was chosen.
function(regroup_add_policy name)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE regroup::policy_api)
  target_compile_options(${name} PRIVATE -ffp-contract=off $<$<CONFIG:>:-O2>)
  set_target_properties(${name} PROPERTIES
    PREFIX lib CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()
