#include "runtime/cluster/job.hpp"

#include <cstdlib>

#include "runtime/cluster/launcher.hpp"
#include "runtime/cluster/mpi_network.hpp"

namespace regroup::cluster {

Job::Job(MakeNode make) : make_(std::move(make)) {}

void Job::join() {
  if (!launched_with_mpi()) return;
  network_ = std::make_unique<MpiNetwork>();
  if (is_node()) return;
  controller_ = network_->transport(kController);
  node_ = std::thread([this] { (void)serve_node(*network_->transport(0), make_); });
}

Job::~Job() {
  if (node_.joinable()) end(EXIT_FAILURE);
}

bool Job::is_node() const { return network_ != nullptr && network_->process() != 0; }

int Job::serve() { return serve_node(*network_->transport(network_->process()), make_); }

void Job::end(int code) {
  if (controller_ == nullptr) return;
  for (int to = 0; to < controller_->nodes(); ++to) controller_->send(to, encode(End{code}));
  if (node_.joinable()) node_.join();
}

}  // namespace regroup::cluster
