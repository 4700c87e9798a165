#include "core/stage_graph.hpp"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/reverse_graph.hpp>
#include <boost/graph/topological_sort.hpp>
#include <boost/graph/visitors.hpp>
#include <deque>
#include <iterator>

#include "core/errors.hpp"

namespace regroup {
namespace {

using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS>;

std::size_t index_of(const std::vector<Stage>& stages, const std::string& name) {
  for (std::size_t i = 0; i < stages.size(); ++i)
    if (stages[i].name == name) return i;
  std::string known;
  for (const Stage& stage : stages) known += (known.empty() ? "" : ", ") + stage.name;
  fail<ConfigError>("stage graph: no stage '{}'; there are: {}", name, known);
}

void check_names(const std::vector<Stage>& stages) {
  if (stages.empty()) fail<ConfigError>("stage graph: a model needs at least one stage");
  if (stages.size() > StageGraph::kMaxStages)
    fail<ConfigError>("stage graph: {} stages; at most {} are allowed", stages.size(),
                      StageGraph::kMaxStages);
  for (std::size_t i = 0; i < stages.size(); ++i)
    if (index_of(stages, stages[i].name) != i)
      fail<ConfigError>("stage graph: stage '{}' is declared twice", stages[i].name);
}

std::vector<std::uint8_t> sorted_topologically(const Graph& graph,
                                               const std::vector<Stage>& stages) {
  std::deque<Graph::vertex_descriptor> order;
  try {
    boost::topological_sort(graph, std::front_inserter(order));  // it lists the last one first
  } catch (const boost::not_a_dag&) {
    std::string names;
    for (const Stage& stage : stages) names += (names.empty() ? "" : ", ") + stage.name;
    fail<ConfigError>("stage graph: stages wait for each other in a cycle (among {})", names);
  }
  return {order.begin(), order.end()};
}

}  // namespace

StageGraph::StageGraph(std::vector<Stage> stages, std::span<const Edge> edges)
    : stages_(std::move(stages)), before_(stages_.size()), after_(stages_.size()) {
  check_names(stages_);
  Graph graph(stages_.size());
  for (const Edge& edge : edges) {
    const std::size_t from = index_of(stages_, edge.before);
    const std::size_t to = index_of(stages_, edge.after);
    if (boost::edge(from, to, graph).second) continue;
    boost::add_edge(from, to, graph);
    after_[from].push_back(static_cast<std::uint8_t>(to));
    before_[to].push_back(static_cast<std::uint8_t>(from));
  }
  order_ = sorted_topologically(graph, stages_);

  std::vector<std::size_t> sinks, denoise;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    if (after_[i].empty()) sinks.push_back(i);
    if (stages_[i].kind == StageKind::kDenoise) denoise.push_back(i);
  }
  if (sinks.size() != 1)
    fail<ConfigError>(
        "stage graph: stages '{}' and '{}' both end the request; one must lead to the other",
        stages_[sinks[0]].name, stages_[sinks[1]].name);
  if (denoise.size() != 1)
    fail<ConfigError>("stage graph: {} stages of kind denoise; exactly one is allowed",
                      denoise.size());
  sink_ = sinks[0];
  denoise_ = denoise[0];

  // With one sink and no cycle every stage leads to the end; what can still be wrong is a stage cut
  // off from the denoising that the request is about.
  std::vector<bool> related(stages_.size(), false);
  const auto mark = [&](const auto& g) {
    std::vector<boost::default_color_type> colour(stages_.size());
    boost::queue<Graph::vertex_descriptor> queue;
    boost::breadth_first_visit(g, denoise_, queue, boost::default_bfs_visitor(), colour.data());
    for (std::size_t i = 0; i < stages_.size(); ++i)
      if (colour[i] != boost::white_color) related[i] = true;
  };
  mark(graph);
  mark(boost::make_reverse_graph(graph));
  for (std::size_t i = 0; i < stages_.size(); ++i)
    if (!related[i])
      fail<ConfigError>(
          "stage graph: stage '{}' is unreachable: it neither leads to '{}' nor follows it",
          stages_[i].name, stages_[denoise_].name);
}

StageGraph StageGraph::chain() {
  const Edge edges[] = {{"encode", "denoise"}, {"denoise", "decode"}};
  return StageGraph({{"encode", StageKind::kEncode},
                     {"denoise", StageKind::kDenoise},
                     {"decode", StageKind::kDecode}},
                    edges);
}

}  // namespace regroup
