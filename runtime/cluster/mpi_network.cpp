#include "runtime/cluster/mpi_network.hpp"

#include <mpi.h>

#include <algorithm>
#include <iterator>

namespace regroup::cluster {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

// What a letter is: which of the two parties of process 0 it is from and to, or a sign of life.
constexpr int kFromController = 1;
constexpr int kToController = 2;
constexpr int kSignOfLife = 4;

constexpr auto kSignEvery = 500ms;
// How long a process that leaves waits for letters to be taken.
constexpr auto kGrace = 2s;

void check(int result, const char* what) {
  if (result == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(result, text, &length);
  fail<SystemError>("{}: {}", what, text);
}

}  // namespace

struct MpiNetwork::Pending {
  Letter letter;
  MPI_Request request = MPI_REQUEST_NULL;
};

class MpiTransport final : public Transport {
 public:
  MpiTransport(MpiNetwork& network, int party) : network_(network), party_(party) {}

  int self() const override { return party_; }
  int nodes() const override { return network_.processes(); }
  void send(int to, Bytes message) override { network_.send(party_, to, std::move(message)); }
  Mailbox& mailbox() override { return network_.mailbox(party_); }

 private:
  MpiNetwork& network_;
  int party_;
};

MpiNetwork::MpiNetwork() {
  std::promise<void> joining;
  std::future<void> joined = joining.get_future();
  thread_ = std::thread(&MpiNetwork::work, this, std::move(joining));
  try {
    joined.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

MpiNetwork::~MpiNetwork() {
  {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

std::unique_ptr<Transport> MpiNetwork::transport(int party) {
  return std::make_unique<MpiTransport>(*this, party);
}

void MpiNetwork::send(int from, int to, Bytes message) {
  const int process = std::max(to, 0);
  if (process == process_) return mailbox(to).put({.from = from, .message = std::move(message)});
  const int tag =
      (from == kController ? kFromController : 0) + (to == kController ? kToController : 0);
  {
    const std::lock_guard lock(mutex_);
    letters_.push_back({process, tag, std::move(message)});
  }
  changed_.notify_one();
}

void MpiNetwork::work(std::promise<void> joined) {
  try {
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    check(MPI_Comm_rank(MPI_COMM_WORLD, &process_), "MPI_Comm_rank");
    check(MPI_Comm_size(MPI_COMM_WORLD, &processes_), "MPI_Comm_size");
    heard_.assign(static_cast<std::size_t>(processes_), SteadyClock::now());
    lost_.assign(static_cast<std::size_t>(processes_), false);
    joined.set_value();
  } catch (...) {
    joined.set_exception(std::current_exception());
    return;
  }
  while (!leave()) {
    const bool sent = send_letters();
    const bool received = receive();
    watch();
    rest(sent || received);
  }
  // With a process gone, this could wait for it for ever.
  if (std::ranges::none_of(lost_, [](bool lost) { return lost; }) && pending_.empty())
    MPI_Finalize();
}

// A letter to a process that is gone is lost, and one that MPI refuses shows that it is.
bool MpiNetwork::send_letters() {
  std::deque<Letter> letters;
  {
    const std::lock_guard lock(mutex_);
    letters.swap(letters_);
  }
  for (Letter& letter : letters) {
    if (lost_[static_cast<std::size_t>(letter.process)]) continue;
    auto pending = std::make_unique<Pending>();
    pending->letter = std::move(letter);
    const Bytes& message = pending->letter.message;
    if (MPI_Isend(message.data(), static_cast<int>(message.size()), MPI_BYTE,
                  pending->letter.process, pending->letter.tag, MPI_COMM_WORLD,
                  &pending->request) == MPI_SUCCESS)
      pending_.push_back(std::move(pending));
    else
      lose(pending->letter.process, "MPI cannot send to it");
  }
  std::erase_if(pending_, [](const auto& pending) {
    int done = 0;
    return MPI_Test(&pending->request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS || done != 0;
  });
  return !letters.empty();
}

bool MpiNetwork::receive() {
  bool any = false;
  while (true) {
    int there = 0;
    MPI_Message handle = MPI_MESSAGE_NULL;
    MPI_Status status;
    if (MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, &handle, &status) !=
            MPI_SUCCESS ||
        there == 0)
      return any;
    int size = 0;
    MPI_Get_count(&status, MPI_BYTE, &size);
    Bytes message(static_cast<std::size_t>(size));
    if (MPI_Mrecv(message.data(), size, MPI_BYTE, &handle, &status) != MPI_SUCCESS) return any;
    heard_[static_cast<std::size_t>(status.MPI_SOURCE)] = SteadyClock::now();
    if (status.MPI_TAG == kSignOfLife) continue;
    any = true;
    const int from = (status.MPI_TAG & kFromController) != 0 ? kController : status.MPI_SOURCE;
    mailbox((status.MPI_TAG & kToController) != 0 ? kController : process_)
        .put({.from = from, .message = std::move(message)});
  }
}

// Process 0 watches the others, and they watch it.
void MpiNetwork::watch() {
  const RealTime now = SteadyClock::now();
  const bool sign = now >= next_sign_;
  if (sign) next_sign_ = now + kSignEvery;
  const int last = process_ == 0 ? processes_ - 1 : 0;
  for (int other = process_ == 0 ? 1 : 0; other <= last; ++other) {
    const auto index = static_cast<std::size_t>(other);
    if (lost_[index]) continue;
    if (now - heard_[index] > kSilence) {
      lose(other, fmt::format("nothing was heard of it for {} s", kSilence / 1s));
    } else if (sign) {
      const std::lock_guard lock(mutex_);
      letters_.push_back({other, kSignOfLife, {}});
    }
  }
}

void MpiNetwork::lose(int process, const std::string& how) {
  const auto index = static_cast<std::size_t>(process);
  if (lost_[index]) return;
  lost_[index] = true;
  const auto others = std::ranges::partition(
      pending_, [&](const auto& pending) { return pending->letter.process != process; });
  std::ranges::move(others, std::back_inserter(abandoned_));
  pending_.erase(others.begin(), others.end());
  if (process_ == 0)
    controller_box_.put({.from = process, .message = {}, .gone = how});
  else if (process == 0)
    node_box_.put({.from = kController, .message = {}, .gone = how});
}

// MPI can only be asked again and again. The longer nothing has come, the more seldom; a letter of
// our own ends the wait.
void MpiNetwork::rest(bool busy) {
  const RealTime now = SteadyClock::now();
  if (busy) last_busy_ = now;
  const auto idle = now - last_busy_;
  if (idle < 100us) return std::this_thread::yield();
  std::unique_lock lock(mutex_);
  if (!letters_.empty()) return;
  changed_.wait_for(lock, std::clamp<SteadyClock::duration>(idle / 8, 20us, 1ms));
}

// Whether it is time to: all has been sent, or will never be.
bool MpiNetwork::leave() {
  const std::lock_guard lock(mutex_);
  if (!leaving_) return false;
  const RealTime now = SteadyClock::now();
  if (left_since_ == kNoDeadline) left_since_ = now;
  return now - left_since_ > kGrace || (letters_.empty() && pending_.empty());
}

}  // namespace regroup::cluster
