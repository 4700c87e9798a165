#include "runtime/cuda/gpu/library.hpp"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>

#include "core/errors.hpp"

namespace regroup::cuda {
namespace {

namespace fs = std::filesystem;

// The folders in `parent` whose names start so, in order of their names; none if it cannot be read.
std::vector<fs::path> children(const fs::path& parent, std::string_view prefix) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored))
    if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

// <prefix>/lib/python3.11/site-packages/nvidia/cudnn/lib, and so on for every wheel.
void add_wheels(const fs::path& prefix, std::vector<fs::path>& folders) {
  std::error_code ignored;
  for (const fs::path& python : children(prefix / "lib", "python3"))
    for (const char* packages : {"site-packages", "dist-packages"})
      for (const fs::path& wheel : children(python / packages / "nvidia", ""))
        if (fs::is_directory(wheel / "lib", ignored)) folders.push_back(wheel / "lib");
}

std::string listed(std::span<const std::string> names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

// Where the loader found it, for it may have looked anywhere.
std::string resolved(void* handle, const std::string& asked) {
  const link_map* map = nullptr;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || map == nullptr) return asked;
  return map->l_name;
}

}  // namespace

std::vector<fs::path> library_folders() {
  std::vector<fs::path> folders;
#ifdef REGROUP_CUDA_LIBRARY_DIR
  folders.emplace_back(REGROUP_CUDA_LIBRARY_DIR);
#endif
  folders.emplace_back();  // wherever the loader looks
  for (const char* variable : {"VIRTUAL_ENV", "CONDA_PREFIX"})
    if (const char* prefix = std::getenv(variable)) add_wheels(prefix, folders);
  if (const char* home = std::getenv("HOME")) add_wheels(fs::path(home) / ".local", folders);
  add_wheels("/usr/local", folders);
  add_wheels("/usr", folders);
  return folders;
}

Library::Library(std::string_view what, std::span<const std::string> names,
                 std::span<const fs::path> folders)
    : what_(what) {
  std::vector<std::string> looked;
  for (const fs::path& folder : folders) {
    looked.push_back(folder.empty() ? "the loader's path" : folder.string());
    for (const std::string& name : names) {
      const fs::path path = folder.empty() ? fs::path(name) : folder / name;
      std::error_code ignored;
      if (!folder.empty() && !fs::exists(path, ignored)) continue;
      handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (handle_ != nullptr) {
        file_ = resolved(handle_, path.string());
        return;
      }
      if (!folder.empty()) looked.back() += fmt::format(" ({})", dlerror());
    }
  }
  fail<CudaError>("{}: no {} could be loaded; looked in {}", what, listed(names),
                  fmt::join(looked, ", "));
}

void* Library::symbol(const char* name) const {
  void* const address = dlsym(handle_, name);
  if (address == nullptr)
    fail<CudaError>("{}: {} has no function {}; a newer version is needed", what_, file_, name);
  return address;
}

}  // namespace regroup::cuda
