// How time passes for the controller.
#include <algorithm>

#include "core/errors.hpp"
#include "runtime/cluster/cluster_backend.hpp"

namespace regroup::cluster {

std::optional<Event> ClusterBackend::next_event(TimePoint until) {
  return virtual_clock_ ? next_virtual(until) : next_real(until);
}

// The order of what happens at one instant is that of VirtualClock, over all nodes: everything that
// is due, then the events and what is decided on them, then those that settle, then what comes of
// that. Nothing returns while a node is behind it, so at any return instant_ is now_.
std::optional<Event> ClusterBackend::next_virtual(TimePoint until) {
  while (true) {
    const TimePoint next = earliest();
    if (next <= instant_) {
      advance(instant_, instant_);
      continue;
    }
    if (!events_.empty()) return take_event();
    if (runs_.empty() && until == kNever) return std::nullopt;
    if (until <= instant_) break;
    if (std::ranges::any_of(nodes_, &NodeView::settling)) {
      settle();
      continue;
    }
    if (next > until || next == kNever) break;
    instant_ = next;
    advance(next, until);
  }
  if (until != kNever) now_ = instant_ = until;
  return std::nullopt;
}

TimePoint ClusterBackend::earliest() const {
  TimePoint earliest = kNever;
  for (const NodeView& each : nodes_) earliest = std::min(earliest, each.next);
  return earliest;
}

// Nodes that have something at `at` do it. If it is only one, that one may go on by itself as long
// as nothing is decided and no other node has anything: up to `until` at most.
void ClusterBackend::advance(TimePoint at, TimePoint until) {
  std::vector<int> due;
  TimePoint others = kNever;
  for (int i = 0; i < static_cast<int>(nodes_.size()); ++i) {
    if (node(i).next <= at)
      due.push_back(i);
    else
      others = std::min(others, node(i).settling ? at : node(i).next);
  }
  const TimePoint limit = due.size() == 1 ? std::max(at, std::min(others, until)) : at;
  for (const int to : due) {
    send(to, Advance{.at = at, .limit = limit});
    node(to).asked = true;
  }
  await_reports();
}

void ClusterBackend::settle() {
  for (int i = 0; i < static_cast<int>(nodes_.size()); ++i) {
    if (!node(i).settling) continue;
    send(i, Settle{});
    node(i).asked = true;
  }
  await_reports();
}

void ClusterBackend::await_reports() {
  while (std::ranges::any_of(nodes_, &NodeView::asked)) take_mail(kNoDeadline);
}

TimePoint ClusterBackend::real_now() const {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start_));
}

std::optional<Event> ClusterBackend::next_real(TimePoint until) {
  const RealTime deadline = until == kNever ? kNoDeadline : start_ + until.time_since_epoch();
  while (true) {
    while (take_mail(std::chrono::steady_clock::now())) continue;
    if (!events_.empty() && events_.front().at <= until) return take_event();
    if (until != kNever && (!events_.empty() || real_now() >= until)) break;
    if (runs_.empty() && until == kNever) return std::nullopt;
    take_mail(deadline);
  }
  now_ = until;
  // What happened until now may be heard of later. It is then of a later instant: this one is over,
  // and decided upon.
  earliest_ = until + Duration(1);
  return std::nullopt;
}

// False: `until` has come.
bool ClusterBackend::take_mail(RealTime until) {
  std::optional<Mail> mail = transport_.mailbox().receive(until);
  if (!mail) return false;
  if (mail->message.empty()) {
    take_loss(mail->from, mail->gone);
    return true;
  }
  if (node(mail->from).gone) return true;  // its last words, or it is only slow: it is given up
  Message message = decode(mail->message);
  if (auto* report = std::get_if<Report>(&message)) {
    take(mail->from, *report);
  } else if (const auto* ready = std::get_if<Ready>(&message)) {
    node(mail->from).asked = false;
    node(mail->from).next = ready->next;
  } else if (const auto* broke = std::get_if<Broke>(&message)) {
    fail<SystemError>("node {}: {}", mail->from, broke->what);
  } else {
    RG_CHECK(false, "message {} is not for the controller", message.index());
  }
  return true;
}

}  // namespace regroup::cluster
