// When a request is late: the deadline rules that published systems use, by name.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/catalog.hpp"
#include "core/request.hpp"

namespace regroup::traces {

// T1 is Catalog::standalone(shape, steps, 1): the whole request alone on one GPU. [+C] adds C
// seconds.
//
//   trace               the deadlines of the file (the default)
//   none                no deadlines
//   alpha=A[+C]         arrival + A * T1 (GF-DiT's rule, one alpha for all)
//   standalone=3[+C]    the same in vLLM-Omni's words: slo_scale, 3 there ("3x" is accepted)
//   class:S=1.5,M=2,L=6[+C]   arrival + alpha of its class * T1 (GF-DiT, arXiv 2606.13501,
//                       generate_runtime_v2_mixed_priority_workload.py; its client adds 1 s for
//                       Qwen-Image and 5 s for Wan)
//   tetriserve[=SCALE]  fixed seconds for square images: 256: 1.5, 512: 2, 1024: 3, 2048: 5, times
//                       SCALE (TetriServe, arXiv 2510.01565; 1.0 to 1.5 there)
//   hetu                int(round(4 t) * 1.1) + 2 s, with t the denoising time on k GPUs and k the
//                       largest of 1, 2, 4, 8 whose efficiency t_1 / (k t_k) is at least 0.8
//                       (Hetu-DiT, hetu_dit/utils.py estimate_ddl)
class SloRule {
 public:
  SloRule() = default;  // "trace"

  // Throws ConfigError, listing the rules, for a text that is none of the above.
  static SloRule parse(std::string_view text);

  const std::string& text() const { return text_; }
  // Whether deadlines are those of the trace; allowance() must then not be called.
  bool from_trace() const { return kind_ == Kind::kTrace; }

  // Time from arrival to deadline; nullopt: no deadline. Depends on model, shape, steps and class
  // of the request only. Throws ConfigError, naming shape or class, where the rule has no answer.
  std::optional<Duration> allowance(const Request& request, std::string_view request_class,
                                    const Catalog& catalog) const;

 private:
  enum class Kind { kTrace, kNone, kAlpha, kByClass, kTetriServe, kHetu };

  Kind kind_ = Kind::kTrace;
  std::string text_ = "trace";
  double scale_ = 1;  // alpha of kAlpha, scale of kTetriServe
  std::map<std::string, double, std::less<>> alpha_;
  double constant_s_ = 0;
};

}  // namespace regroup::traces
