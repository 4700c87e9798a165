// requests.csv: one row for every request, in the order in which they ended.
#pragma once

#include "core/catalog.hpp"
#include "core/names.hpp"
#include "core/observer.hpp"
#include "core/output_file.hpp"

namespace regroup {

// Written as the run goes; nothing is kept in memory. UTF-8, RFC 4180 fields, lines end in '\n'.
// Columns:
//   id, class                as in the trace
//   arrival_s ... deadline_s instants of the run; finish_s is empty unless the request finished,
//                            start_s if it never ran, deadline_s if it has none
//   latency_s                finish - arrival; empty unless it finished
//   violated                 1 or 0: finished after its deadline, rejected, or unfinished
//   model ... priority       as in the trace
//   end                      finished, rejected or unfinished
//   queue_s                  start - arrival
//   encode_s ... decode_s    busy, all runs of such stages together
//   gpu_seconds              its share of GPU time
//   runs ... preemptions     how often; see RequestOutcome
//   min_degree, max_degree   sizes of the groups that denoised it; 0 if none did
class RequestLog final : public Observer {
 public:
  // Both references must outlive this. SystemError from here, on_request_end and commit.
  RequestLog(const std::filesystem::path& directory, const Catalog& catalog,
             const NameTable<ClassId>& classes);

  void on_request_end(const RequestOutcome& outcome) override;
  void commit() { file_.commit(); }

 private:
  const Catalog& catalog_;
  const NameTable<ClassId>& classes_;
  std::string row_;  // kept for its memory
  OutputFile file_;
};

}  // namespace regroup
