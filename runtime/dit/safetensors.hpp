// Reads a safetensors file (https://github.com/huggingface/safetensors, "Format"): 8 bytes of
// length, a JSON header, the tensors.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace regroup::dit {

class Safetensors {
 public:
  // Reads the whole file. Throws SystemError if it cannot be read, ConfigError naming file, tensor
  // and what is wrong for everything the format forbids: a header that is too long or not JSON, a
  // name given twice, sizes and offsets that disagree, gaps, overlaps, bytes that belong to no
  // tensor; and for a type other than F32 and BF16.
  explicit Safetensors(const std::filesystem::path& file);

  std::vector<std::string> names() const;  // ascending
  // Row-major, widened to 32 bits. Throws ConfigError naming file and tensor if there is none of
  // that name, or if its shape is another.
  std::vector<float> read(const std::string& name, std::span<const std::size_t> shape) const;

 private:
  struct Entry {
    std::size_t bytes_each = 0;  // 4: F32, 2: BF16
    std::vector<std::size_t> shape;
    std::size_t begin = 0, end = 0;  // in data_
  };

  void read_header(const std::string& header);
  void check_coverage() const;

  std::string file_;
  std::map<std::string, Entry> entries_;
  std::string data_;
};

}  // namespace regroup::dit
