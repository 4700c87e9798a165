#include "runtime/dit/safetensors.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "core/errors.hpp"

namespace regroup::dit {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxHeader = 100'000'000;  // the reference implementation's limit

std::uint64_t little_endian(const char* bytes, int count) {
  std::uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// The header, with the check that a JSON object does not make: no name twice.
json parse_header(const std::string& file, const std::string& text) {
  std::set<std::string> seen;
  const auto look = [&](int depth, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::key && depth == 1 &&
        !seen.insert(parsed.get<std::string>()).second)
      fail<ConfigError>("{}: tensor '{}' is named twice", file, parsed.get<std::string>());
    return true;
  };
  try {
    json header = json::parse(text, look);
    if (!header.is_object()) fail<ConfigError>("{}: the header is not a JSON object", file);
    return header;
  } catch (const json::exception& error) {
    fail<ConfigError>("{}: the header is not JSON: {}", file, error.what());
  }
}

// A list of non-negative integers under `key`.
std::vector<std::size_t> sizes(const std::string& where, const json& tensor, const char* key) {
  const auto found = tensor.find(key);
  if (found == tensor.end() || !found->is_array())
    fail<ConfigError>("{}: '{}' is not a list", where, key);
  std::vector<std::size_t> list;
  for (const json& item : *found) {
    if (!item.is_number_unsigned())
      fail<ConfigError>("{}: '{}' holds {}, not a whole number of at least 0", where, key,
                        item.type_name());
    list.push_back(item.get<std::size_t>());
  }
  return list;
}

}  // namespace

Safetensors::Safetensors(const std::filesystem::path& file) : file_(file.string()) {
  std::ifstream in(file, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  if (!in.is_open() || in.bad()) fail<SystemError>("{}: cannot be read", file_);
  if (bytes.size() < 8)
    fail<ConfigError>("{}: {} bytes; a safetensors file has at least 8", file_, bytes.size());
  const std::uint64_t length = little_endian(bytes.data(), 8);
  if (length > kMaxHeader || length > bytes.size() - 8)
    fail<ConfigError>("{}: a header of {} bytes in a file of {}; at most {} are allowed", file_,
                      length, bytes.size(), kMaxHeader);
  const std::size_t start = 8 + static_cast<std::size_t>(length);
  data_ = bytes.substr(start);
  read_header(bytes.substr(8, start - 8));
  check_coverage();
}

void Safetensors::read_header(const std::string& header) {
  const json tensors = parse_header(file_, header);
  for (const auto& [name, tensor] : tensors.items()) {
    if (name == "__metadata__") continue;
    const std::string where = fmt::format("{}: tensor '{}'", file_, name);
    if (!tensor.is_object()) fail<ConfigError>("{}: not a JSON object", where);
    for (const auto& item : tensor.items())
      if (item.key() != "dtype" && item.key() != "shape" && item.key() != "data_offsets")
        fail<ConfigError>("{}: unknown key '{}'; allowed: dtype, shape, data_offsets", where,
                          item.key());
    const auto dtype = tensor.find("dtype");
    if (dtype == tensor.end() || (*dtype != "F32" && *dtype != "BF16"))
      fail<ConfigError>("{}: dtype {}; allowed: \"F32\", \"BF16\"", where,
                        dtype == tensor.end()
                            ? "missing"
                            : dtype->dump(-1, ' ', true, json::error_handler_t::replace));
    const std::vector<std::size_t> offsets = sizes(where, tensor, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_.size())
      fail<ConfigError>("{}: data_offsets [{}]; allowed: [begin, end] within {} bytes of data",
                        where, fmt::join(offsets, ", "), data_.size());

    Entry entry{*dtype == "F32" ? 4u : 2u, sizes(where, tensor, "shape"), offsets[0], offsets[1]};
    std::size_t bytes = entry.bytes_each;
    for (const std::size_t n : entry.shape)
      if (__builtin_mul_overflow(bytes, n, &bytes))
        fail<ConfigError>("{}: shape [{}] is too large", where, fmt::join(entry.shape, ", "));
    if (bytes != entry.end - entry.begin)
      fail<ConfigError>("{}: shape [{}] needs {} bytes, data_offsets give {}", where,
                        fmt::join(entry.shape, ", "), bytes, entry.end - entry.begin);
    entries_.emplace(name, std::move(entry));
  }
}

void Safetensors::check_coverage() const {
  struct Piece {
    std::size_t begin, end;
    const std::string* name;
  };
  std::vector<Piece> pieces;
  for (const auto& [name, entry] : entries_) pieces.push_back({entry.begin, entry.end, &name});
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::size_t covered = 0;
  for (const Piece& piece : pieces) {
    if (piece.begin != covered)
      fail<ConfigError>("{}: tensor '{}': begins at byte {} of the data, the one before ends at {}",
                        file_, *piece.name, piece.begin, covered);
    covered = piece.end;
  }
  if (covered != data_.size())
    fail<ConfigError>("{}: {} bytes after the last tensor", file_, data_.size() - covered);
}

std::vector<std::string> Safetensors::names() const {
  std::vector<std::string> all;
  for (const auto& [name, entry] : entries_) all.push_back(name);
  return all;
}

std::vector<float> Safetensors::read(const std::string& name,
                                     std::span<const std::size_t> shape) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail<ConfigError>("{}: no tensor '{}'", file_, name);
  const Entry& entry = found->second;
  if (!std::equal(shape.begin(), shape.end(), entry.shape.begin(), entry.shape.end()))
    fail<ConfigError>("{}: tensor '{}': shape [{}], expected [{}]", file_, name,
                      fmt::join(entry.shape, ", "), fmt::join(shape, ", "));
  std::vector<float> values((entry.end - entry.begin) / entry.bytes_each);
  const char* bytes = data_.data() + entry.begin;
  for (float& value : values) {
    const auto bits =
        static_cast<std::uint32_t>(little_endian(bytes, static_cast<int>(entry.bytes_each)));
    value = std::bit_cast<float>(entry.bytes_each == 4 ? bits : bits << 16);
    bytes += entry.bytes_each;
  }
  return values;
}

}  // namespace regroup::dit
