// A policy and the table of functions it came with. Built-in and loaded policies look the same.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/policy_params.hpp"
#include "regroup/policy/policy.hpp"

namespace regroup {

// A built-in name, or the path of a shared library (anything with a '/' or ending in ".so").
// Libraries stay loaded until the program ends: code, vtables and strings of a plugin may outlive
// the policy object. Throws ConfigError: unknown name (lists the known ones), not loadable, built
// against another contract (says what to rebuild), or changing the floating-point mode.
const PolicyPlugin& find_policy(const std::string& name_or_path,
                                std::span<const PolicyPlugin* const> builtin);

class PolicyHandle {
 public:
  // Makes the policy. Throws ConfigError for a parameter that it refuses or does not have.
  PolicyHandle(const PolicyPlugin& plugin, const PolicyParams& params);
  virtual ~PolicyHandle();
  PolicyHandle(const PolicyHandle&) = delete;
  PolicyHandle& operator=(const PolicyHandle&) = delete;

  std::string_view name() const { return plugin_.name; }
  Pinning pinning() const { return plugin_.pinning(*policy_); }

  // Throws PolicyError with the policy's own words if it threw. Virtual so that a caller outside
  // core can time it.
  virtual void decide(const ClusterView& view, Decisions& out);

 private:
  const PolicyPlugin& plugin_;
  Policy* policy_;  // owned; destroyed by the library that made it
};

}  // namespace regroup
