#include "safetensors_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <fstream>

namespace regroup::cuda {

SafetensorsFile::SafetensorsFile(const std::string& name)
    : path_(std::filesystem::temp_directory_path() / fmt::format("{}-{}", getpid(), name)) {}

SafetensorsFile::~SafetensorsFile() { std::filesystem::remove(path_); }

void SafetensorsFile::add(const std::string& name, const std::vector<std::size_t>& shape,
                          const std::vector<float>& values) {
  const std::size_t begin = data_.size();
  data_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  header_ += fmt::format(R"({}"{}":{{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}})",
                         begin == 0 ? "" : ",", name, fmt::join(shape, ","), begin, data_.size());
}

void SafetensorsFile::write() const {
  const std::string header = header_ + "}";
  const std::uint64_t length = header.size();  // little-endian, as all machines with GPUs are
  char bytes[sizeof(length)];
  std::memcpy(bytes, &length, sizeof(length));
  std::ofstream(path_, std::ios::binary).write(bytes, sizeof(bytes)) << header << data_;
}

}  // namespace regroup::cuda
