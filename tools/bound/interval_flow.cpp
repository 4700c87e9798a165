#include "tools/bound/interval_flow.hpp"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/push_relabel_max_flow.hpp>
#include <cmath>

namespace regroup::tools {
namespace {

using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using ReverseEdge = boost::property<boost::edge_reverse_t, Traits::edge_descriptor>;
using EdgeResidual = boost::property<boost::edge_residual_capacity_t, std::int64_t, ReverseEdge>;
using EdgeProperties = boost::property<boost::edge_capacity_t, std::int64_t, EdgeResidual>;
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property,
                                    EdgeProperties>;
using Edge = Traits::edge_descriptor;
using Vertex = Traits::vertex_descriptor;

// Networks beyond this are made smaller by taking neighbouring intervals together.
constexpr std::size_t kMaxEdges = 400'000;
// Likewise the sizes of demands.
constexpr std::size_t kMaxSizes = 256;

TimePoint start(const Demand& demand) { return demand.rates.front().from; }
TimePoint end(const Demand& demand) { return demand.rates.back().to; }

// GPU time in nanoseconds that a rate amounts to between two instants. Rounded up: a part in 1e12
// covers what doubles lose.
std::int64_t amount(std::span<const GpuRate> rates, TimePoint from, TimePoint to) {
  double total = 0;
  for (const GpuRate& rate : rates) {
    const Duration common = std::min(rate.to, to) - std::max(rate.from, from);
    if (common > Duration{}) total += static_cast<double>(common.count()) * rate.gpus;
  }
  return static_cast<std::int64_t>(std::ceil(total * (1 + 1e-12)));
}

// Arrivals and deadlines, in order; of these every n-th where there are too many.
std::vector<TimePoint> instants(std::span<const Demand> demands) {
  std::vector<TimePoint> all;
  for (const Demand& demand : demands) {
    all.push_back(start(demand));
    all.push_back(end(demand));
  }
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::size_t edges = 0;
  for (const Demand& demand : demands)
    edges += static_cast<std::size_t>(std::ranges::lower_bound(all, end(demand)) -
                                      std::ranges::lower_bound(all, start(demand)));
  const std::size_t stride = (edges + kMaxEdges - 1) / kMaxEdges;
  if (stride <= 1) return all;
  std::vector<TimePoint> some;
  for (std::size_t i = 0; i < all.size() - 1; i += stride) some.push_back(all[i]);
  some.push_back(all.back());
  return some;
}

// Demands whose windows form one unbroken stretch of time, smallest first.
class Part {
 public:
  Part(std::span<Demand> demands, std::span<const GpuRate> supply)
      : demands_(demands), graph_(2 + demands.size()) {
    std::ranges::sort(demands_, {}, &Demand::gpu_time);
    const std::vector<TimePoint> at = instants(demands_);
    intervals_ = at.size() - 1;
    for (std::size_t i = 0; i < intervals_; ++i)
      join(boost::add_vertex(graph_), kSink, amount(supply, at[i], at[i + 1]));
    for (std::size_t d = 0; d < demands_.size(); ++d) {
      sources_.push_back(join(kSource, 2 + d, demands_[d].gpu_time.count()));
      const auto after = std::ranges::upper_bound(at, start(demands_[d]));
      for (auto i = static_cast<std::size_t>(after - at.begin()) - 1;
           i < intervals_ && at[i] < end(demands_[d]); ++i)
        join(2 + d, 2 + demands_.size() + i, amount(demands_[d].rates, at[i], at[i + 1]));
    }
    make_sizes();
  }

  std::size_t intervals() const { return intervals_; }
  std::size_t flows() const { return flows_; }

  // The largest sum of served over demanded; the number of demands if all can be served.
  double fractional() { return between(0, sizes_.size() - 1, 0, served(sizes_.size() - 1)); }

 private:
  static constexpr Vertex kSource = 0;
  static constexpr Vertex kSink = 1;

  Edge join(Vertex from, Vertex to, std::int64_t capacity) {
    const Edge edge = boost::add_edge(from, to, graph_).first;
    const Edge back = boost::add_edge(to, from, graph_).first;
    boost::put(boost::edge_capacity, graph_, edge, capacity);
    boost::put(boost::edge_reverse, graph_, edge, back);
    boost::put(boost::edge_reverse, graph_, back, edge);
    return edge;
  }

  // sizes_[s] is where the demands of the s-th size begin. Demands count as being of the smallest
  // size among them: where there are many sizes, those within a constant factor are one.
  void make_sizes() {
    std::size_t different = 1;
    for (std::size_t d = 1; d < demands_.size(); ++d)
      different += demands_[d].gpu_time != demands_[d - 1].gpu_time;
    const double spread = static_cast<double>(demands_.back().gpu_time.count()) /
                          static_cast<double>(demands_.front().gpu_time.count());
    const double factor = different <= kMaxSizes ? 1 : std::pow(spread, 1.0 / (kMaxSizes - 1));
    double largest = -1;
    for (std::size_t d = 0; d < demands_.size(); ++d) {
      const auto size = static_cast<double>(demands_[d].gpu_time.count());
      if (size > largest) {
        sizes_.push_back(d);
        largest = size * factor;
      }
      const Duration counted = demands_[sizes_.back()].gpu_time;
      boost::put(boost::edge_capacity, graph_, sources_[d], counted.count());
    }
    sizes_.push_back(demands_.size());
  }

  // The most GPU time that the demands of the first `sizes` sizes can be served together.
  std::int64_t served(std::size_t sizes) {
    ++flows_;
    std::vector<std::int64_t> off;
    for (std::size_t d = sizes_[sizes]; d < demands_.size(); ++d) {
      off.push_back(boost::get(boost::edge_capacity, graph_, sources_[d]));
      boost::put(boost::edge_capacity, graph_, sources_[d], 0);
    }
    const std::int64_t flow = boost::push_relabel_max_flow(graph_, kSource, kSink);
    for (std::size_t i = 0; i < off.size(); ++i)
      boost::put(boost::edge_capacity, graph_, sources_[sizes_[sizes] + i], off[i]);
    return flow;
  }

  // What the sizes in [from, to) add to the sum, beside those before: served together with those
  // they get `up_to`, and those before alone get `before`. Only where it is neither nothing nor
  // everything are the sizes between looked at one by one.
  double between(std::size_t from, std::size_t to, std::int64_t before, std::int64_t up_to) {
    if (from == to || up_to == before) return 0;
    std::int64_t wanted = 0;
    for (std::size_t s = from; s < to; ++s) wanted += count(s) * size(s);
    if (up_to - before == wanted) return static_cast<double>(sizes_[to] - sizes_[from]);
    if (to - from == 1)
      return static_cast<double>(up_to - before) / static_cast<double>(size(from));
    const std::size_t middle = from + (to - from) / 2;
    const std::int64_t at_middle = served(middle);
    return between(from, middle, before, at_middle) + between(middle, to, at_middle, up_to);
  }
  std::int64_t size(std::size_t s) const { return demands_[sizes_[s]].gpu_time.count(); }
  std::int64_t count(std::size_t s) const {
    return static_cast<std::int64_t>(sizes_[s + 1] - sizes_[s]);
  }

  std::span<Demand> demands_;
  Graph graph_;
  std::size_t intervals_ = 0;
  std::size_t flows_ = 0;
  std::vector<Edge> sources_;  // by demand
  std::vector<std::size_t> sizes_;
};

}  // namespace

Fit most_that_fit(std::vector<Demand> demands, std::span<const GpuRate> supply) {
  Fit fit;
  const auto needs_nothing = [](const Demand& demand) { return demand.gpu_time <= Duration{}; };
  fit.whole = static_cast<std::int64_t>(std::erase_if(demands, needs_nothing));
  fit.fractional = static_cast<double>(fit.whole);

  std::ranges::sort(demands, {}, start);
  for (std::size_t first = 0; first < demands.size();) {
    TimePoint busy_until = end(demands[first]);
    std::size_t last = first + 1;
    for (; last < demands.size() && start(demands[last]) < busy_until; ++last)
      busy_until = std::max(busy_until, end(demands[last]));
    Part part(std::span<Demand>(demands).subspan(first, last - first), supply);
    const double count = part.fractional();
    const auto whole = static_cast<std::int64_t>(std::floor(count + 1e-9));
    fit.fractional += count;
    fit.whole += whole;
    fit.all = fit.all && whole == static_cast<std::int64_t>(last - first);
    fit.intervals += part.intervals();
    fit.flows += part.flows();
    first = last;
  }
  return fit;
}

}  // namespace regroup::tools
