#include "models/topology.hpp"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <limits>
#include <map>

#include "core/errors.hpp"
#include "models/gpu.hpp"

namespace regroup::models {
namespace {

struct Edge {
  double bytes_per_s = 0;
  double seconds = 0;
};
using Graph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, boost::no_property, Edge>;
using Vertex = Graph::vertex_descriptor;

std::string gpu_name(int i) { return fmt::format("gpu{}", i); }

}  // namespace

NodeTopology::NodeTopology(int gpus, const std::vector<Link>& links) : gpus_(gpus) {
  // The GPUs come first and the fabric after them, so that a vertex is an index of paths_.
  std::map<std::string, Vertex> vertices;
  std::vector<std::string> names;
  const auto vertex = [&](const std::string& name) {
    const auto [found, added] = vertices.emplace(name, names.size());
    if (added) names.push_back(name);
    return found->second;
  };
  for (int i = 0; i < gpus; ++i) vertex(gpu_name(i));
  const Vertex fabric = vertex("fabric");

  Graph graph;
  for (const Link& link : links) {
    const Vertex from = vertex(link.from), to = vertex(link.to);
    boost::add_edge(from, to, Edge{link.bytes_per_s, link.seconds}, graph);
  }
  while (boost::num_vertices(graph) < names.size()) boost::add_vertex(graph);

  std::vector<Vertex> before(names.size());
  std::vector<double> seconds(names.size());
  for (Vertex from = 0; from < fabric; ++from) {
    boost::dijkstra_shortest_paths(
        graph, from,
        boost::weight_map(boost::get(&Edge::seconds, graph))
            .predecessor_map(boost::make_iterator_property_map(
                before.begin(), boost::get(boost::vertex_index, graph)))
            .distance_map(boost::make_iterator_property_map(
                seconds.begin(), boost::get(boost::vertex_index, graph))));
    for (Vertex to = 0; to <= fabric; ++to) {
      Path path{std::numeric_limits<double>::infinity(), seconds[to]};
      for (Vertex at = to; at != from; at = before[at]) {
        if (before[at] == at)
          fail<ConfigError>("node of {} GPUs: no links lead from '{}' to '{}'", gpus, names[from],
                            names[to]);
        const Edge& edge = graph[boost::edge(before[at], at, graph).first];
        path.bytes_per_s = std::min(path.bytes_per_s, edge.bytes_per_s);
      }
      paths_.push_back(path);
    }
  }
}

std::vector<Link> usual_links(const GpuKind& gpu, int gpus, const LinkLatency& latency) {
  std::vector<Link> links;
  const double network = latency.network_s / 2;  // each node is one end of the way
  if (gpu.node_form == GpuKind::NodeForm::kNvSwitch) {
    for (int i = 0; i < gpus; ++i) {
      const std::string nic = fmt::format("nic{}", i);
      links.push_back({gpu_name(i), "nvswitch", gpu.link_bytes_per_s, latency.nvlink_s / 2});
      links.push_back({gpu_name(i), nic, gpu.nic_bytes_per_s, latency.pcie_s / 2});
      links.push_back({nic, "fabric", gpu.nic_bytes_per_s, network});
    }
    return links;
  }
  const double hop = latency.pcie_s / 2;
  for (int half = 0; half < 2; ++half) {
    const std::string pcie = fmt::format("pcie{}", half), nic = fmt::format("nic{}", half);
    links.push_back({pcie, fmt::format("root{}", half), gpu.link_bytes_per_s, hop});
    links.push_back({pcie, nic, gpu.link_bytes_per_s, hop});
    links.push_back({nic, "fabric", gpu.nic_bytes_per_s, network});
  }
  links.push_back({"root0", "root1", gpu.link_bytes_per_s, hop});
  for (int i = 0; i < gpus; ++i)
    links.push_back(
        {gpu_name(i), i < (gpus + 1) / 2 ? "pcie0" : "pcie1", gpu.link_bytes_per_s, hop});
  return links;
}

}  // namespace regroup::models
