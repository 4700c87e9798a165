#include "runtime/devices/device_list.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>

#include "core/errors.hpp"
#include "runtime/collectives/rank_group.hpp"

namespace regroup::devices {
namespace {

using collectives::kMaxRanks;

// One part of the list, and where it stands in it.
struct Part {
  std::string_view list;
  std::string_view text;
  std::size_t position;  // from 1

  [[noreturn]] void fail(const std::string& why) const {
    regroup::fail<ConfigError>(
        "--devices {}: \"{}\" at character {}: {}; allowed are gpu0 (a whole GPU), gpu0:8x16sm "
        "(slices of one) and their lists, or host:8",
        list, text, position, why);
  }
};

// Takes a number from the front of `text`. Ordinals, ranks and SMs all have few digits.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  const char* const end = text.data() + std::min<std::size_t>(text.size(), 6);
  const auto [after, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(after - text.data()));
  return value;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

int take_count(const Part& part, std::string_view& rest, const char* of) {
  const std::optional<int> count = take_number(rest);
  if (!count) part.fail(fmt::format("the number of {} is missing", of));
  if (*count < 1 || *count > kMaxRanks)
    part.fail(fmt::format("{} {}: 1 to {} are possible", *count, of, kMaxRanks));
  return *count;
}

void require_end(const Part& part, std::string_view rest) {
  if (!rest.empty()) part.fail(fmt::format("\"{}\" is too much", rest));
}

int take_slice(const Part& part, std::string_view& rest) {
  if (!take(rest, "x")) part.fail("expected an x and SMs after the number of slices, as in 8x16sm");
  const std::optional<int> sms = take_number(rest);
  if (!sms || !take(rest, "sm")) part.fail("the SMs of a slice are missing, as in 8x16sm");
  if (*sms < kSliceSms || *sms % kSliceSms != 0)
    part.fail(fmt::format("slices of {} SMs: a multiple of {}, at least {}, is possible", *sms,
                          kSliceSms, kSliceSms));
  return *sms;
}

void add_gpu(const Part& part, DeviceList& list) {
  std::string_view rest = part.text;
  if (!take(rest, "gpu")) part.fail("neither a GPU nor the host");
  const std::optional<int> ordinal = take_number(rest);
  if (!ordinal) part.fail("the number of the GPU is missing");
  const std::vector<int> known = list.ordinals();
  if (std::find(known.begin(), known.end(), *ordinal) != known.end())
    part.fail(
        fmt::format("gpu{} was given before; all slices of a GPU go into one part", *ordinal));
  int slices = 1;
  int sms = 0;
  if (take(rest, ":")) {
    slices = take_count(part, rest, "slices");
    sms = take_slice(part, rest);
  }
  require_end(part, rest);
  list.of_ranks.insert(list.of_ranks.end(), static_cast<std::size_t>(slices), {*ordinal, sms});
  list.ranks += slices;
  if (list.ranks > kMaxRanks)
    part.fail(fmt::format("with it there are {} ranks, {} are possible", list.ranks, kMaxRanks));
}

DeviceList host_list(const Part& part) {
  std::string_view rest = part.text;
  take(rest, "host:");
  DeviceList list;
  list.ranks = take_count(part, rest, "ranks");
  require_end(part, rest);
  return list;
}

}  // namespace

std::vector<int> DeviceList::ordinals() const {
  std::vector<int> found;
  for (const RankDevice& device : of_ranks)
    if (std::find(found.begin(), found.end(), device.ordinal) == found.end())
      found.push_back(device.ordinal);
  return found;
}

std::string DeviceList::text() const {
  if (kind == Kind::kHost) return fmt::format("host:{}", ranks);
  std::string text;
  for (const int ordinal : ordinals()) {
    const auto of_gpu = [ordinal](const RankDevice& device) { return device.ordinal == ordinal; };
    const auto slices = std::count_if(of_ranks.begin(), of_ranks.end(), of_gpu);
    const int sms = std::find_if(of_ranks.begin(), of_ranks.end(), of_gpu)->sms;
    if (!text.empty()) text += ',';
    text += fmt::format("gpu{}", ordinal);
    if (sms > 0) text += fmt::format(":{}x{}sm", slices, sms);
  }
  return text;
}

DeviceList parse_device_list(std::string_view text) {
  DeviceList list;
  list.kind = DeviceList::Kind::kCuda;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const Part part{text, text.substr(begin, end - begin), begin + 1};
    if (part.text.starts_with("host:")) {
      if (part.text.size() != text.size()) part.fail("ranks on the host stand alone");
      return host_list(part);
    }
    add_gpu(part, list);
    begin = end + 1;
  }
  return list;
}

}  // namespace regroup::devices
