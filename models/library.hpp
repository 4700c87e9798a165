// Everything that models/data says, read once and shared by all runs.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "models/analytic.hpp"
#include "models/calibration.hpp"
#include "models/card.hpp"
#include "models/collectives.hpp"
#include "models/embedded.hpp"
#include "models/gpu.hpp"
#include "models/quadratic.hpp"
#include "models/semantics.hpp"
#include "models/topology.hpp"

namespace regroup::models {

class Json;

// Costs beside the step; models/data/overheads.json says where each figure comes from.
struct Overheads {
  double group_free_s = 0;         // making a group ready over memory shared once
  double nccl_s = 0;               // making a communicator
  double dispatch_s = 0;           // from a decision to the start of the work
  LinkLatency links;               // one hop
  std::int64_t runtime_bytes = 0;  // of every GPU, beside weights and activations

  static Overheads parse(const Json& json);
};

// A file of models/data that is parsed when somebody first asks for it, on any thread: a run needs
// few of them.
template <class T>
class OnDemand {
 public:
  explicit OnDemand(const EmbeddedFile& file) : file_(file) {}
  const EmbeddedFile& file() const { return file_; }
  const std::shared_ptr<const T>& get() const;

 private:
  EmbeddedFile file_;
  mutable std::once_flag once_;
  mutable std::shared_ptr<const T> value_;
};

// Immutable to those who ask.
class Library {
 public:
  // The embedded files. Any thread may call.
  static const Library& builtin();

  // By name or alias, in any case. nullptr: there is none.
  const ModelCard* find_card(std::string_view name) const;
  // Throws ConfigError listing the known names.
  const ModelCard& card(std::string_view name) const;
  std::shared_ptr<const GpuKind> gpu(std::string_view name) const;

  const std::vector<ModelCard>& cards() const { return cards_; }  // by name
  const std::vector<std::string>& card_names() const { return card_names_; }
  const std::vector<std::shared_ptr<const GpuKind>>& gpus() const { return gpus_; }
  // All; and those of one kind of GPU, which the name of a file ends with.
  using Calibrations = std::vector<std::reference_wrapper<const Calibration>>;
  Calibrations calibrations() const;
  Calibrations calibrations(std::string_view gpu) const;
  // nullptr: there is none of that name.
  std::shared_ptr<const QuadraticCosts> quadratic(std::string_view name) const;
  // A built-in name, or the path of a file. Throws ConfigError listing the known names.
  SemanticsSpec semantics(const std::string& name_or_file) const;
  const AnalyticConstants& analytic() const { return analytic_; }
  const Overheads& overheads() const { return overheads_; }

  // What groups of such GPUs use, in nodes of so many of them.
  Collectives collectives(const GpuKind& gpu, int gpus_per_node) const;

 private:
  Library();

  std::vector<ModelCard> cards_;
  std::vector<std::string> card_names_;
  std::vector<std::shared_ptr<const GpuKind>> gpus_;
  std::deque<OnDemand<CollectiveTable>> tables_;    // by name, which is that of the file
  std::deque<OnDemand<Calibration>> calibrations_;  // a deque: they cannot be moved
  std::vector<std::shared_ptr<const QuadraticCosts>> quadratics_;
  std::vector<SemanticsSpec> semantics_;
  AnalyticConstants analytic_;
  Overheads overheads_;
};

}  // namespace regroup::models
