// cuDNN's backend API, loaded at run time: the functions we call, and its descriptors. Not
// portable.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/cuda/gpu/library.hpp"

namespace regroup::cuda {

// Immutable; shared by all ranks.
class Cudnn {
 public:
  // Throws CudaError if it cannot be loaded, lacks a function, or has no attention operation: it is
  // there from 9.13.1 on.
  Cudnn();

  // "cuDNN 9.19.0"
  const std::string& name() const { return name_; }
  const std::string& file() const { return library_.file(); }

  // Throws CudaError: `what` was tried, and what cuDNN says.
  void check(cudnnStatus_t status, const char* what) const;
  // cuDNN's word for the status, and what it told last on this thread.
  std::string explain(cudnnStatus_t status) const;

 private:
  Library library_;
  std::string name_;

  template <auto* kFunction>
  using Function = decltype(kFunction);

 public:
  Function<cudnnCreate> create;
  Function<cudnnDestroy> destroy;
  Function<cudnnSetStream> set_stream;
  Function<cudnnBackendCreateDescriptor> create_descriptor;
  Function<cudnnBackendDestroyDescriptor> destroy_descriptor;
  Function<cudnnBackendSetAttribute> set_attribute;
  Function<cudnnBackendGetAttribute> get_attribute;
  Function<cudnnBackendFinalize> finalize;
  Function<cudnnBackendExecute> execute;
  Function<cudnnGetErrorString> error_string;
  Function<cudnnGetLastErrorString> last_error_string;
};

// A descriptor: created, given its attributes, then finalised; from then on it is immutable. What
// it was given must live as long as it does. All throw CudaError, which names `what` this is.
class Descriptor {
 public:
  Descriptor(const Cudnn& library, cudnnBackendDescriptorType_t type, const char* what);

  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
           const void* values);
  void set(cudnnBackendAttributeName_t name, const Descriptor& value);
  void finalize();
  std::int64_t get_int64(cudnnBackendAttributeName_t name) const;

  cudnnBackendDescriptor_t get() const { return owned_.get(); }

 private:
  const Cudnn* library_;
  const char* what_;
  std::unique_ptr<void, decltype(Cudnn::destroy_descriptor)> owned_;
};

}  // namespace regroup::cuda
