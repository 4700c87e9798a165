#include "runtime/cuda/dit/forward.hpp"

namespace regroup::cuda {

void record_velocity(const Forward& forward, FloatRows velocity) {
  const StepBuffers& b = forward.buffers;
  const std::int64_t hidden = forward.hidden();
  const Bf16Rows normed = forward.latents(b.normed);
  record_modulated_norm(forward, forward.latents(b.x), part(b.final_modulation, 0, hidden),
                        part(b.final_modulation, 1, hidden), normed);
  forward.recording.linear("final", normed, velocity);
}

void record_time(const Forward& forward) {
  const StepBuffers& b = forward.buffers;
  forward.recording.add([time = b.time, sigma = &forward.parameters->sigma,
                         size = static_cast<std::int64_t>(forward.config.time_features)](
                            cudaStream_t stream) { time_features(stream, sigma, size, time); });
  forward.recording.linear("time_in.in", b.time, b.inner, Activation::kSilu);
  forward.recording.linear("time_in.out", b.inner, b.condition);
}

void record_latents(const Forward& forward) {
  const StepBuffers& b = forward.buffers;
  forward.recording.add([all = b.state.latents, first = &forward.parameters->first_latent,
                         own = b.own_latents](cudaStream_t stream) {
    gather_rows(stream, ConstFloatRows(all), first, own);
  });
  forward.recording.linear("latent_in", b.own_latents, forward.latents(b.x));
}

void record_modulated_norm(const Forward& forward, ConstBf16Rows x, const float* shift,
                           const float* scale, Bf16Rows normed) {
  forward.recording.add(
      [=](cudaStream_t stream) { modulated_norm(stream, x, shift, scale, normed); });
}

void record_gated(const Forward& forward, Bf16Rows x, const float* gate, ConstBf16Rows y) {
  forward.recording.add([=](cudaStream_t stream) { add_gated(stream, x, gate, y); });
}

void record_mlp(const Forward& forward, const std::string& name, ConstBf16Rows normed, Bf16Rows x,
                const float* gate) {
  const StepBuffers& b = forward.buffers;
  const auto width = static_cast<std::int64_t>(forward.config.mlp_hidden);
  const Bf16Rows inner = b.wide.slice(0, normed.rows).columns(0, width);
  const Bf16Rows out = b.projected.slice(0, normed.rows);
  forward.recording.linear(name + ".in", normed, inner, GemmEpilogue::kBiasGelu);
  forward.recording.linear(name + ".out", inner, out);
  record_gated(forward, x, gate, out);
}

}  // namespace regroup::cuda
