#include "runtime/host/host_backend.hpp"

#include "runtime/host/host_device.hpp"

namespace regroup::host {
namespace {

serve::ServeOptions serve_options(HostOptions options) {
  serve::ServeOptions serve;
  serve.virtual_clock = options.virtual_clock;
  serve.faults = std::move(options.faults);
  serve.slot_bytes = options.slot_bytes;
  serve.window_bytes = options.window_bytes;
  serve.patience = options.patience;
  serve.report = std::move(options.report);
  serve.device = [make = std::move(options.compute), jitter = options.jitter](
                     int rank, serve::Clock& clock, collectives::World& world) {
    return host_device(rank, clock, world, make ? make(rank, world) : timed_compute(jitter));
  };
  return serve;
}

}  // namespace

HostBackend::HostBackend(const Catalog& catalog, HostOptions options)
    : RankBackend(catalog, serve_options(std::move(options))) {}

}  // namespace regroup::host
