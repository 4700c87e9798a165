#include "runtime/cluster/local_network.hpp"

namespace regroup::cluster {

class LocalTransport final : public Transport {
 public:
  LocalTransport(LocalNetwork& network, int party) : network_(network), party_(party) {}

  int self() const override { return party_; }
  int nodes() const override { return static_cast<int>(network_.boxes_.size()) - 1; }
  void send(int to, Bytes message) override { network_.deliver(party_, to, std::move(message)); }
  Mailbox& mailbox() override { return *network_.boxes_[network_.index(party_)]; }

 private:
  LocalNetwork& network_;
  int party_;
};

LocalNetwork::LocalNetwork(int nodes) : dead_(static_cast<std::size_t>(nodes) + 1) {
  for (int i = 0; i <= nodes; ++i) boxes_.push_back(std::make_unique<Mailbox>());
}

std::unique_ptr<Transport> LocalNetwork::transport(int party) {
  return std::make_unique<LocalTransport>(*this, party);
}

std::size_t LocalNetwork::index(int party) const {
  return party == kController ? boxes_.size() - 1 : static_cast<std::size_t>(party);
}

void LocalNetwork::deliver(int from, int to, Bytes message) {
  {
    const std::lock_guard lock(mutex_);
    if (dead_[index(from)] || dead_[index(to)]) return;
  }
  boxes_[index(to)]->put({.from = from, .message = std::move(message)});
}

void LocalNetwork::silence(int node) {
  const std::lock_guard lock(mutex_);
  dead_[index(node)] = true;
}

void LocalNetwork::lose(int node, const std::string& how) {
  silence(node);
  boxes_.back()->put({.from = node, .message = {}, .gone = how});
  boxes_[index(node)]->put({.from = kController, .message = {}, .gone = how});
}

void LocalNetwork::lose_controller(const std::string& how) {
  silence(kController);
  for (std::size_t node = 0; node + 1 < boxes_.size(); ++node)
    boxes_[node]->put({.from = kController, .message = {}, .gone = how});
}

}  // namespace regroup::cluster
