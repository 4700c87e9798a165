#include "core/policy_handle.hpp"

#include <dlfcn.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <filesystem>

#include "core/errors.hpp"

namespace regroup {
namespace {

void check_contract(const PolicyPlugin& plugin, const std::string& path) {
  const auto refuse = [&](const std::string& why) {
    fail<ConfigError>("{}: {}; rebuild it against this installation of regroup", path, why);
  };
  if (plugin.api_version != RG_POLICY_API_VERSION)
    refuse(fmt::format("built for policy API version {}, this program has version {}",
                       plugin.api_version, RG_POLICY_API_VERSION));
  if (plugin.struct_size != sizeof(PolicyPlugin))
    refuse(fmt::format("its plugin table has {} bytes, this program's has {}", plugin.struct_size,
                       sizeof(PolicyPlugin)));
  if (std::string_view(plugin.abi_tag) != RG_POLICY_ABI_TAG)
    refuse(fmt::format("built with {}, this program with {}", plugin.abi_tag, RG_POLICY_ABI_TAG));
  if (plugin.layout != layout_fingerprint())
    refuse("built against policy headers that differ from this program's");
}

// A library linked with -ffast-math switches denormals off for the whole process when it loads,
// and every result after that would be another.
class FloatingPointMode {
 public:
#if defined(__x86_64__)
  FloatingPointMode() : before_(_mm_getcsr()) {}
  bool restore() const {
    constexpr unsigned kFlushToZero = 0x8040;  // FTZ and DAZ
    const bool changed = ((before_ ^ _mm_getcsr()) & kFlushToZero) != 0;
    if (changed) _mm_setcsr(before_);
    return changed;
  }

 private:
  unsigned before_;
#else
  bool restore() const { return false; }
#endif
};

const PolicyPlugin& load(const std::string& path) {
  // dlopen searches the system's folders for a bare name; a policy is always meant as a path.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  if (!std::filesystem::exists(file)) fail<ConfigError>("{}: no such policy library", path);
  const FloatingPointMode mode;
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) fail<ConfigError>("cannot load policy: {}", dlerror());
  if (mode.restore())
    fail<ConfigError>("{}: refused: it changes the floating-point mode (built with -ffast-math?)",
                      path);
  const auto* plugin =
      static_cast<const PolicyPlugin*>(dlsym(library, RG_STRINGIZE(RG_POLICY_SYMBOL)));
  if (plugin == nullptr)
    fail<ConfigError>(
        "{}: not a policy: it exports no regroup_policy_plugin (is RG_REGISTER_POLICY missing?)",
        path);
  check_contract(*plugin, path);
  return *plugin;
}

}  // namespace

const PolicyPlugin& find_policy(const std::string& name,
                                std::span<const PolicyPlugin* const> builtin) {
  if (name.find('/') != std::string::npos || name.ends_with(".so")) return load(name);
  std::string known;
  for (const PolicyPlugin* plugin : builtin) {
    if (plugin->name == name) return *plugin;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", plugin->name);
  }
  fail<ConfigError>("no policy '{}'; built in are: {} (or give the path of a .so)", name, known);
}

PolicyHandle::PolicyHandle(const PolicyPlugin& plugin, const PolicyParams& params)
    : plugin_(plugin) {
  ErrorText error{};
  policy_ = plugin.create(params, error);
  if (policy_ == nullptr) fail<ConfigError>("policy '{}': {}", plugin.name, error.text);
  try {
    params.check_all_asked(plugin.name);
  } catch (...) {
    plugin.destroy(policy_);
    throw;
  }
}

PolicyHandle::~PolicyHandle() { plugin_.destroy(policy_); }

void PolicyHandle::decide(const ClusterView& view, Decisions& out) {
  ErrorText error;  // written to only if something goes wrong
  if (!plugin_.decide(*policy_, view, out, error))
    fail<PolicyError>("policy '{}' threw at t={:.9f} s: {}", plugin_.name, to_seconds(view.now()),
                      error.text);
}

}  // namespace regroup
