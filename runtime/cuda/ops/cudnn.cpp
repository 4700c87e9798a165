#include "runtime/cuda/ops/cudnn.hpp"

#include <vector>

#include "core/errors.hpp"

namespace regroup::cuda {
namespace {

const std::vector<std::string> kCudnnFiles = {"libcudnn.so.9"};

// CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR.
constexpr std::size_t kFirstWithAttention = 91301;

// cuDNN 9 counts 9.19.0 as 91900.
std::string cudnn_version(std::size_t version) {
  return fmt::format("cuDNN {}.{}.{}", version / 10000, version % 10000 / 100, version % 100);
}

}  // namespace

Cudnn::Cudnn() : library_("cuDNN", kCudnnFiles) {
  const std::size_t version = library_.function<decltype(cudnnGetVersion)>("cudnnGetVersion")();
  name_ = cudnn_version(version);
  if (version < kFirstWithAttention)
    fail<CudaError>("{} ({}) is too old; attention needs {} or a later cuDNN 9", name_, file(),
                    cudnn_version(kFirstWithAttention));
  const auto load = [this](auto*& function, const char* symbol) {
    function = library_.function<std::remove_reference_t<decltype(*function)>>(symbol);
  };
  load(create, "cudnnCreate");
  load(destroy, "cudnnDestroy");
  load(set_stream, "cudnnSetStream");
  load(create_descriptor, "cudnnBackendCreateDescriptor");
  load(destroy_descriptor, "cudnnBackendDestroyDescriptor");
  load(set_attribute, "cudnnBackendSetAttribute");
  load(get_attribute, "cudnnBackendGetAttribute");
  load(finalize, "cudnnBackendFinalize");
  load(execute, "cudnnBackendExecute");
  load(error_string, "cudnnGetErrorString");
  load(last_error_string, "cudnnGetLastErrorString");
}

std::string Cudnn::explain(cudnnStatus_t status) const {
  char last[512] = {};
  last_error_string(last, sizeof(last));
  return last[0] == '\0' ? std::string(error_string(status))
                         : fmt::format("{}: {}", error_string(status), last);
}

void Cudnn::check(cudnnStatus_t status, const char* what) const {
  if (status != CUDNN_STATUS_SUCCESS)
    fail<CudaError>("{}: {} failed: {}", name_, what, explain(status));
}

Descriptor::Descriptor(const Cudnn& library, cudnnBackendDescriptorType_t type, const char* what)
    : library_(&library), what_(what), owned_(nullptr, library.destroy_descriptor) {
  cudnnBackendDescriptor_t created = nullptr;
  library.check(library.create_descriptor(type, &created), what);
  owned_.reset(created);
}

void Descriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                     std::int64_t count, const void* values) {
  library_->check(library_->set_attribute(get(), name, type, count, values), what_);
}

void Descriptor::set(cudnnBackendAttributeName_t name, const Descriptor& value) {
  const cudnnBackendDescriptor_t descriptor = value.get();
  set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &descriptor);
}

void Descriptor::finalize() { library_->check(library_->finalize(get()), what_); }

std::int64_t Descriptor::get_int64(cudnnBackendAttributeName_t name) const {
  std::int64_t count = 0, value = 0;
  library_->check(library_->get_attribute(get(), name, CUDNN_TYPE_INT64, 1, &count, &value), what_);
  return value;
}

}  // namespace regroup::cuda
