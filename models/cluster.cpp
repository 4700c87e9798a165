#include "models/cluster.hpp"

#include <charconv>
#include <filesystem>
#include <limits>
#include <optional>

#include "core/errors.hpp"
#include "models/json.hpp"
#include "regroup/policy/idle_gpus.hpp"

namespace regroup::models {
namespace {

constexpr int kMaxNodes = 100000;

struct ShortName {
  int nodes = 1;
  int gpus = 0;
  std::string gpu;
};

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1) return std::nullopt;
  return value;
}

// "8xH100", "16x8xL20", "H100:8"; nullopt for anything else.
std::optional<ShortName> short_name(std::string_view text) {
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    const std::optional<int> count = number(text.substr(colon + 1));
    if (!count || colon == 0) return std::nullopt;
    return ShortName{1, *count, std::string(text.substr(0, colon))};
  }
  std::vector<int> counts;
  while (true) {
    const std::size_t x = text.find('x');
    if (x == std::string_view::npos) break;
    const std::optional<int> count = number(text.substr(0, x));
    if (!count) break;
    counts.push_back(*count);
    text.remove_prefix(x + 1);
  }
  if (text.empty() || counts.empty() || counts.size() > 2) return std::nullopt;
  return ShortName{counts.size() == 2 ? counts[0] : 1, counts.back(), std::string(text)};
}

std::vector<Link> parse_links(const Json& json) {
  std::vector<Link> links;
  for (const Json& item : json.items()) {
    item.allow({"from", "to", "gb_per_s", "us"});
    links.push_back({item.string("from"), item.string("to"), item.positive("gb_per_s") * 1e9,
                     item.positive("us") * 1e-6});
  }
  return links;
}

}  // namespace

ClusterSpec ClusterSpec::load(const std::string& name_or_file, const FindGpu& find_gpu,
                              const LinkLatency& latency) {
  ClusterSpec cluster;
  const auto check_size = [&](int gpus) {
    if (gpus > IdleGpus::kMaxGpusPerNode)
      fail<ConfigError>("{}: {} GPUs in a node; at most {} are allowed", name_or_file, gpus,
                        IdleGpus::kMaxGpusPerNode);
  };
  const std::optional<ShortName> name = short_name(name_or_file);
  if (name && !std::filesystem::exists(name_or_file)) {
    cluster.name_ = name_or_file;
    cluster.gpu_ = find_gpu(name->gpu);
    check_size(name->gpus);
    if (name->nodes > kMaxNodes)
      fail<ConfigError>("{}: at most {} nodes are allowed", name_or_file, kMaxNodes);
    cluster.forms_.emplace_back(name->gpus, usual_links(*cluster.gpu_, name->gpus, latency));
    cluster.add_nodes(name->nodes, 0);
    return cluster;
  }
  if (!std::filesystem::is_regular_file(name_or_file))
    fail<ConfigError>(
        "cluster '{}': neither a file nor a short name such as 8xH100 or 16x8xL20 (nodes x GPUs a "
        "node x kind)",
        name_or_file);

  const Json json = Json::read(name_or_file);
  json.expect_format("regroup-cluster");
  json.allow({"format", "version", "name", "gpu", "nodes"});
  cluster.name_ = json.string("name");
  cluster.gpu_ = find_gpu(json.string("gpu"));
  for (const Json& node : json.at("nodes").items()) {
    node.allow({"count", "gpus", "links"});
    const int gpus = node.integer("gpus", 1);
    check_size(gpus);
    cluster.forms_.emplace_back(gpus, node.has("links")
                                          ? parse_links(node.at("links"))
                                          : usual_links(*cluster.gpu_, gpus, latency));
    const int count = node.has("count") ? node.integer("count", 1) : 1;
    if (count > kMaxNodes) node.at("count").complain(fmt::format("at most {}", kMaxNodes));
    cluster.add_nodes(count, cluster.forms_.size() - 1);
  }
  if (cluster.nodes_.empty()) json.at("nodes").complain("a cluster needs at least one node");
  return cluster;
}

void ClusterSpec::add_nodes(int count, std::size_t form) {
  const int gpus = forms_[form].gpus();
  for (int i = 0; i < count; ++i) {
    const NodeId id{static_cast<std::uint32_t>(nodes_.size())};
    nodes_.push_back({id, GpuId{static_cast<std::uint32_t>(node_of_.size())}, gpus});
    form_of_.push_back(form);
    node_of_.insert(node_of_.end(), static_cast<std::size_t>(gpus), id);
  }
}

int ClusterSpec::largest_node() const {
  int largest = 0;
  for (const Node& node : nodes_) largest = std::max(largest, node.count);
  return largest;
}

Path ClusterSpec::path(GpuId from, GpuId to) const {
  if (from == to) return {std::numeric_limits<double>::infinity(), 0};
  const NodeId a = node_of(from), b = node_of(to);
  const std::size_t i = from.value - nodes_[a.value].first.value;
  const std::size_t j = to.value - nodes_[b.value].first.value;
  if (a == b) return forms_[form_of_[a.value]].path(i, j);
  return forms_[form_of_[a.value]].to_fabric(i) + forms_[form_of_[b.value]].to_fabric(j);
}

}  // namespace regroup::models
