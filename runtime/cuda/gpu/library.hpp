// A shared library that is found and loaded at run time, so that the program starts without it.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace regroup::cuda {

// Where to look for libraries of CUDA's, in this order: beside the toolkit the program was compiled
// with; wherever the loader looks (an empty path); in the nvidia/*/lib folders that Python wheels
// install (site-packages of VIRTUAL_ENV, CONDA_PREFIX, the user and the system).
std::vector<std::filesystem::path> library_folders();

// Immutable; may be used from all threads. Never unloaded: CUDA's libraries do not survive it.
class Library {
 public:
  // Loads the first of `names` (in order of preference: "libcudnn.so.9") that one of `folders` has.
  // Throws CudaError that names what it is for ("cuDNN"), all names and folders that were tried,
  // and what the loader said of a file that is there but does not load.
  Library(std::string_view what, std::span<const std::string> names,
          std::span<const std::filesystem::path> folders);
  Library(std::string_view what, std::span<const std::string> names)
      : Library(what, names, library_folders()) {}

  // The function of that name: library.function<decltype(cudnnGetVersion)>("cudnnGetVersion").
  // Throws CudaError that names it, and the library.
  template <class Function>
  Function* function(const char* name) const {
    return reinterpret_cast<Function*>(symbol(name));
  }

  // What was loaded, as the loader resolved it.
  const std::string& file() const { return file_; }

 private:
  void* symbol(const char* name) const;

  std::string what_, file_;
  void* handle_ = nullptr;
};

}  // namespace regroup::cuda
