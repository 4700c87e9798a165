// Writes a safetensors file of F32 tensors (runtime/dit/safetensors.hpp says how they are read).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runtime/dit/rows.hpp"

namespace regroup::cuda {

// In the folder for temporary files; removed with this object.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::string& name);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  void add(const std::string& name, const std::vector<std::size_t>& shape,
           const std::vector<float>& values);
  void add(const std::string& name, const dit::Matrix& matrix) {
    add(name, {matrix.rows, matrix.cols}, matrix.values);
  }
  void write() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::string header_ = "{", data_;
};

}  // namespace regroup::cuda
