#include "models/collectives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/json.hpp"

namespace regroup::models {

CollectiveTable CollectiveTable::parse(const Json& json) {
  json.expect_format("regroup-collectives");
  json.allow({"format", "version", "name", "source", "tables"});
  CollectiveTable table;
  table.name_ = json.string("name");
  table.source_ = json.string("source");
  for (const Json& item : json.at("tables").items()) {
    item.allow({"operation", "ranks", "bytes", "us"});
    const std::string operation = item.string("operation");
    if (operation != "all_to_all" && operation != "all_gather")
      item.at("operation")
          .complain(fmt::format("'{}'; allowed: all_to_all, all_gather", operation));
    Curve curve{operation == "all_to_all" ? Operation::kAllToAll : Operation::kAllGather,
                item.integer("ranks", 2), item.numbers("bytes"), item.numbers("us")};
    if (curve.bytes.empty() || curve.bytes.size() != curve.seconds.size())
      item.complain("bytes and us must be lists of the same length, at least 1");
    for (std::size_t i = 0; i < curve.bytes.size(); ++i)
      if (curve.seconds[i] <= 0 || curve.bytes[i] <= (i == 0 ? 0 : curve.bytes[i - 1]))
        item.complain("bytes must ascend from above 0, and us must be greater than 0");
    for (double& time : curve.seconds) time *= 1e-6;
    // A larger message is never faster: a point above a later one is noise of the measurement.
    for (std::size_t i = curve.seconds.size() - 1; i > 0; --i)
      curve.seconds[i - 1] = std::min(curve.seconds[i - 1], curve.seconds[i]);
    table.curves_.push_back(std::move(curve));
  }
  std::stable_sort(table.curves_.begin(), table.curves_.end(), [](const Curve& a, const Curve& b) {
    return std::pair(a.operation, a.ranks) < std::pair(b.operation, b.ranks);
  });
  for (const Operation operation : {Operation::kAllToAll, Operation::kAllGather})
    if (std::none_of(table.curves_.begin(), table.curves_.end(),
                     [&](const Curve& curve) { return curve.operation == operation; }))
      json.at("tables").complain("needs all_to_all and all_gather");
  return table;
}

double CollectiveTable::seconds(Operation operation, int ranks, double bytes) const {
  const Curve* curve = nullptr;
  for (const Curve& candidate : curves_) {
    if (candidate.operation != operation) continue;
    curve = &candidate;
    if (candidate.ranks >= ranks) break;
  }
  const std::vector<double>& x = curve->bytes;
  const std::vector<double>& y = curve->seconds;
  if (bytes <= x.front()) return y.front();
  if (bytes >= x.back()) return y.back() * bytes / x.back();
  const auto above =
      static_cast<std::size_t>(std::upper_bound(x.begin(), x.end(), bytes) - x.begin());
  const std::size_t below = above - 1;
  const double part = std::log(bytes / x[below]) / std::log(x[above] / x[below]);
  return y[below] * std::pow(y[above] / y[below], part);
}

double Collectives::seconds(CollectiveTable::Operation operation, int ranks, double bytes) const {
  if (ranks <= 1) return 0;
  const int inside = std::min(ranks, gpus_per_node_);
  const double moved = bytes * (inside - 1) / inside;
  double time = 0;
  if (inside > 1)
    time = table_ != nullptr ? table_->seconds(operation, inside, bytes) : wire_.time(moved);
  if (ranks > inside) time += network_.time(bytes * (ranks - inside) / ranks);
  return time;
}

double Collectives::exchange(int ranks, double bytes) const {
  if (ranks <= 1) return 0;
  // Two neighbours that gather each other's bytes; the slowest pair of a group wider than a node
  // lies across the network.
  if (ranks > gpus_per_node_) return network_.time(bytes);
  return seconds(CollectiveTable::Operation::kAllGather, 2, 2 * bytes);
}

}  // namespace regroup::models
