// The parties of a job as threads of one process: for tests, and where a node lives with the
// controller.
#pragma once

#include <memory>
#include <vector>

#include "runtime/cluster/transport.hpp"

namespace regroup::cluster {

// Outlives its transports.
class LocalNetwork {
 public:
  explicit LocalNetwork(int nodes);

  std::unique_ptr<Transport> transport(int party);

  // From now on nothing that the node sends arrives, and nothing reaches it.
  void silence(int node);
  // And that has been noticed: by the controller, and by the node, which is as good as alone.
  void lose(int node, const std::string& how);
  // Every node notices that the controller is gone.
  void lose_controller(const std::string& how);

 private:
  friend class LocalTransport;
  void deliver(int from, int to, Bytes message);
  std::size_t index(int party) const;

  std::mutex mutex_;
  std::vector<std::unique_ptr<Mailbox>> boxes_;  // the controller's is the last
  std::vector<bool> dead_;
};

}  // namespace regroup::cluster
