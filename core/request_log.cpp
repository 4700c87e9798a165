#include "core/request_log.hpp"

#include <fmt/format.h>

#include "core/result_text.hpp"

namespace regroup {
namespace {

constexpr std::string_view kHeader =
    "id,class,arrival_s,start_s,finish_s,deadline_s,latency_s,violated,"
    "model,width,height,frames,steps,priority,end,queue_s,encode_s,denoise_s,decode_s,gpu_seconds,"
    "runs,group_changes,migrations,migrated_bytes,preemptions,min_degree,max_degree\n";

std::string_view text_of_end(RequestOutcome::End end) {
  switch (end) {
    case RequestOutcome::End::kFinished:
      return "finished";
    case RequestOutcome::End::kRejected:
      return "rejected";
    case RequestOutcome::End::kUnfinished:
      break;
  }
  return "unfinished";
}

}  // namespace

RequestLog::RequestLog(const std::filesystem::path& directory, const Catalog& catalog,
                       const NameTable<ClassId>& classes)
    : catalog_(catalog), classes_(classes), file_(directory, "requests.csv") {
  file_.write(kHeader);
}

void RequestLog::on_request_end(const RequestOutcome& outcome) {
  const Request& request = *outcome.request;
  const bool finished = outcome.end == RequestOutcome::End::kFinished;
  const bool started = outcome.started != kNever;
  const std::string finish = finished ? exact_seconds(outcome.ended) : "";
  const std::string latency = finished ? exact_seconds(outcome.ended - request.arrival) : "";
  const std::string queue = started ? exact_seconds(outcome.started - request.arrival) : "";

  std::string row;
  const auto out = std::back_inserter(row);
  fmt::format_to(out, "{},{},", csv_field(request.label),
                 csv_field(classes_.name(request.request_class)));
  fmt::format_to(out, "{},{},{},{},{},{:d},", exact_seconds(request.arrival),
                 exact_seconds(outcome.started), finish, exact_seconds(request.deadline), latency,
                 outcome.violated());
  fmt::format_to(out, "{},{},{},{},{},{},", csv_field(catalog_.model_name(request.model)),
                 request.shape.width, request.shape.height, request.shape.frames, request.steps,
                 request.priority);
  fmt::format_to(out, "{},{},{},{},{},{:.9f},", text_of_end(outcome.end), queue,
                 exact_seconds(outcome.encode), exact_seconds(outcome.denoise),
                 exact_seconds(outcome.decode), outcome.gpu_seconds);
  fmt::format_to(out, "{},{},{},{},{},{},{}\n", outcome.runs, outcome.group_changes,
                 outcome.migrations, outcome.migrated_bytes, outcome.preemptions, outcome.narrowest,
                 outcome.widest);
  file_.write(row);
}

}  // namespace regroup
