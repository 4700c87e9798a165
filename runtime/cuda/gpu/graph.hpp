// Work recorded once and launched often. C++17, for .cu files.
#pragma once

#include <cstddef>
#include <functional>

#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

class Graph {
 public:
  Graph() = default;
  // Runs `enqueue` while `stream` records instead of carrying out, and makes the result ready to
  // launch. What `enqueue` throws passes through, and the stream can be used as before.
  // InternalError after arm(); CudaError if something cannot be recorded.
  static Graph record(cudaStream_t stream, const std::function<void()>& enqueue);
  Graph(Graph&& other) noexcept;
  Graph& operator=(Graph other) noexcept;
  ~Graph();

  explicit operator bool() const { return executable_ != nullptr; }
  // Kernels, copies and the like in it.
  std::size_t nodes() const { return nodes_; }
  // On the stream it was recorded from, or any other of the same context.
  void launch(cudaStream_t stream) const;

 private:
  cudaGraphExec_t executable_ = nullptr;
  std::size_t nodes_ = 0;
};

}  // namespace regroup::cuda
