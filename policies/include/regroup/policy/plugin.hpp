// How a compiled policy and the host find out that they fit together. Included by policy.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>

#include "regroup/policy/policy.hpp"

// Raised by one whenever anything in regroup/policy/ changes shape or meaning.
#define RG_POLICY_API_VERSION 4

#define RG_STRINGIZE_(x) #x
#define RG_STRINGIZE(x) RG_STRINGIZE_(x)
#define RG_POLICY_ABI_TAG                                                                          \
  "gcc" RG_STRINGIZE(__GNUC__) "-gxxabi" RG_STRINGIZE(__GXX_ABI_VERSION) "-cxx11abi" RG_STRINGIZE( \
      _GLIBCXX_USE_CXX11_ABI)

namespace regroup {

struct ErrorText {
  char text[512];
};

// The only thing that crosses dlopen by name. Plain data; fields are only ever appended, and the
// first two never move. Its functions never throw: what goes wrong is written to `error`.
struct PolicyPlugin {
  std::uint32_t api_version;
  std::uint32_t struct_size;
  const char* abi_tag;
  std::uint64_t layout;
  const char* name;
  const char* summary;
  Policy* (*create)(const Params& params, ErrorText& error) noexcept;
  bool (*decide)(Policy& policy, const ClusterView& view, Decisions& out,
                 ErrorText& error) noexcept;
  void (*destroy)(Policy* policy) noexcept;
  Pinning (*pinning)(const Policy& policy) noexcept;
  const char* source;  // where the policy was published; empty: nowhere
};

// Catches a plugin built against headers that were edited without raising the API version.
constexpr std::uint64_t layout_fingerprint() {
  std::uint64_t hash = 14695981039346656037u;
  for (const std::size_t n : {sizeof(Task),
                              offsetof(Task, stage),
                              offsetof(Task, shape),
                              offsetof(Task, denoise_steps),
                              offsetof(Task, steps_done),
                              offsetof(Task, deadline),
                              offsetof(Task, group),
                              offsetof(Task, layout),
                              offsetof(Task, layouts),
                              sizeof(Gpu),
                              offsetof(Gpu, state),
                              offsetof(Gpu, run),
                              sizeof(Node),
                              sizeof(Change),
                              offsetof(Change, task),
                              sizeof(Progress),
                              sizeof(Group),
                              sizeof(Layout),
                              sizeof(IdleGpus),
                              sizeof(TaskSet)}) {
    hash = (hash ^ n) * 1099511628211u;
  }
  return hash;
}

// Runs body; whatever it throws ends here, as text, so nothing leaves the library that threw it.
template <class Body>
bool guarded(ErrorText& error, Body body) noexcept {
  try {
    body();
    return true;
  } catch (const std::exception& e) {
    std::snprintf(error.text, sizeof error.text, "%s", e.what());
  } catch (...) {
    std::snprintf(error.text, sizeof error.text, "an exception that is not a std::exception");
  }
  return false;
}

template <class P>
constexpr const char* source_of() {
  if constexpr (requires { P::kSource; })
    return P::kSource;
  else
    return "";
}

template <class P>
constexpr PolicyPlugin make_plugin(const char* name, const char* summary) {
  return {
      .api_version = RG_POLICY_API_VERSION,
      .struct_size = sizeof(PolicyPlugin),
      .abi_tag = RG_POLICY_ABI_TAG,
      .layout = layout_fingerprint(),
      .name = name,
      .summary = summary,
      .create = [](const Params& params, ErrorText& error) noexcept -> Policy* {
        Policy* made = nullptr;
        guarded(error, [&] { made = new P(params); });
        return made;
      },
      .decide =
          [](Policy& policy, const ClusterView& view, Decisions& out, ErrorText& error) noexcept {
            return guarded(error, [&] { policy.decide(view, out); });
          },
      .destroy = [](Policy* policy) noexcept { delete policy; },
      .pinning = [](const Policy& policy) noexcept { return policy.pinning(); },
      .source = source_of<P>(),
  };
}

}  // namespace regroup

// Makes a class known to the host: RG_REGISTER_POLICY(Class, "name", "one line about it"). The same
// line serves a shared library and a built-in policy: for those the build sets RG_POLICY_SYMBOL.
#ifndef RG_POLICY_SYMBOL
#define RG_POLICY_SYMBOL regroup_policy_plugin
#endif
#define RG_REGISTER_POLICY(Class, name, summary)             \
  extern "C" __attribute__((visibility("default")))          \
  const ::regroup::PolicyPlugin RG_POLICY_SYMBOL;            \
  constinit const ::regroup::PolicyPlugin RG_POLICY_SYMBOL = \
      ::regroup::make_plugin<Class>(name, summary)
