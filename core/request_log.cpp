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

// Fields, each with a comma in front.
void add(std::string& row, std::string_view text) {
  row += ',';
  row += text;
}

void add(std::string& row, Duration time) {
  row += ',';
  append_seconds(row, time);
}

void add(std::string& row, TimePoint time) {
  row += ',';
  append_seconds(row, time);
}

template <std::integral... Numbers>
void add(std::string& row, Numbers... numbers) {
  ((row += ',', append_number(row, numbers)), ...);
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
  row_ = csv_field(request.label);
  add(row_, csv_field(classes_.name(request.request_class)));
  add(row_, request.arrival);
  add(row_, outcome.started);
  add(row_, finished ? outcome.ended : kNever);
  add(row_, request.deadline);
  finished ? add(row_, outcome.ended - request.arrival) : add(row_, "");
  add(row_, int{outcome.violated()});
  add(row_, csv_field(catalog_.model_name(request.model)));
  add(row_, request.shape.width, request.shape.height, request.shape.frames, request.steps,
      request.priority);
  add(row_, text_of_end(outcome.end));
  started ? add(row_, outcome.started - request.arrival) : add(row_, "");
  add(row_, outcome.encode);
  add(row_, outcome.denoise);
  add(row_, outcome.decode);
  fmt::format_to(std::back_inserter(row_), ",{:.9f}", outcome.gpu_seconds);
  add(row_, outcome.runs, outcome.group_changes, outcome.migrations, outcome.migrated_bytes,
      outcome.preemptions, outcome.narrowest, outcome.widest);
  row_ += '\n';
  file_.write(row_);
}

}  // namespace regroup
