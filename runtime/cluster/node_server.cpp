#include "runtime/cluster/node_server.hpp"

#include <deque>
#include <memory>

#include "core/errors.hpp"
#include "runtime/cluster/node_clock.hpp"
#include "runtime/serve/wall_clock.hpp"

namespace regroup::cluster {
namespace {

// The mail of a node, and what the controller's death and its last word mean.
class NodeMail {
 public:
  explicit NodeMail(Transport& transport) : transport_(transport) {}

  // Nothing: `until` has come.
  std::optional<Message> next(RealTime until = kNoDeadline) {
    if (!put_off_.empty()) {
      Message message = std::move(put_off_.front());
      put_off_.pop_front();
      return message;
    }
    return from_mailbox(until);
  }
  // Waits for the state of the task to come; `take` gets all states that do. False: it has not.
  bool await_state(const std::function<bool()>& there, RealTime until,
                   const std::function<void(PackedState)>& take) {
    while (!there()) {
      std::optional<Message> message = from_mailbox(until);
      if (!message) return false;
      if (auto* state = std::get_if<StateMail>(&*message))
        take(std::move(state->state));
      else
        put_off_.push_back(std::move(*message));
    }
    return true;
  }
  void send(int to, const Message& message) { transport_.send(to, encode(message)); }
  int node() const { return transport_.self(); }
  void listen(std::function<void()> listener) { transport_.mailbox().listen(std::move(listener)); }

 private:
  std::optional<Message> from_mailbox(RealTime until) {
    if (gone_.empty()) {
      std::optional<Mail> mail = transport_.mailbox().receive(until);
      if (!mail) return std::nullopt;
      if (!mail->message.empty()) return decode(mail->message);
      gone_ = mail->gone;
    }
    fail<SystemError>("node {}: the controller is gone: {}", transport_.self(), gone_);
  }

  Transport& transport_;
  std::deque<Message> put_off_;
  std::string gone_;  // how the controller went
};

// What all messages but those about time do.
class Node {
 public:
  Node(NodeMail& mail, serve::Clock& clock, NodeOptions options)
      : mail_(mail),
        patience_(options.serve.patience),
        meetings_(clock, [&mail](int to, const Message& message) { mail.send(to, message); }),
        ranks_(clock, meetings_, mail.node(), std::move(options)) {}

  NodeRanks& ranks() { return ranks_; }

  // The exit code, if the node is to end.
  std::optional<int> take(Message& message) {
    if (auto* part = std::get_if<RunPart>(&message))
      launch(*part);
    else if (const auto* preempt = std::get_if<PreemptPart>(&message))
      ranks_.preempt(preempt->run);
    else if (const auto* order = std::get_if<HandOver>(&message))
      hand_over(*order);
    else if (const auto* forget = std::get_if<Forget>(&message))
      ranks_.forget(*forget);
    else if (auto* state = std::get_if<StateMail>(&message))
      ranks_.keep(std::move(state->state));
    else if (const auto* boundary = std::get_if<Boundary>(&message))
      meetings_.take(*boundary);
    else if (const auto* end = std::get_if<End>(&message))
      return end->code;
    else
      RG_CHECK(false, "message {} is not for a node", message.index());
    return std::nullopt;
  }

  // With parts that never began.
  NodeNews news() {
    NodeNews news = ranks_.news();
    news.ended.insert(news.ended.begin(), not_begun_.ended.begin(), not_begun_.ended.end());
    news.said.insert(news.said.end(), not_begun_.said.begin(), not_begun_.said.end());
    not_begun_ = {};
    return news;
  }

 private:
  void launch(RunPart& part) {
    for (TaskPart& each : part.tasks) {
      if (each.attached) ranks_.keep(std::move(*each.attached));
      if (each.from < 0 || brought(each.task)) continue;
      not_begun_.said.push_back(fmt::format("the state of request {} has not come from node {}",
                                            each.task.request.value, each.from));
      not_begun_.ended.push_back({.run = part.run, .failed = true, .at = part.at});
      return;
    }
    ranks_.launch(part);
  }

  bool brought(const serve::RunTask& task) {
    return mail_.await_state([&] { return ranks_.has(task.request, task.stage, task.steps_done); },
                             std::chrono::steady_clock::now() + patience_,
                             [&](PackedState state) { ranks_.keep(std::move(state)); });
  }

  void hand_over(const HandOver& order) {
    if (auto state = ranks_.find(order.request, order.stage, order.steps_done))
      mail_.send(order.to, StateMail{std::move(*state)});
  }

  NodeMail& mail_;
  Duration patience_;
  NodeNews not_begun_;
  Meetings meetings_;
  NodeRanks ranks_;
};

Report report_of(NodeNews news) {
  Report report;
  report.ended = std::move(news.ended);
  report.dead = std::move(news.dead);
  report.said = std::move(news.said);
  return report;
}

// Moves when the controller says so.
class VirtualTime {
 public:
  VirtualTime(NodeMail& mail, const NodeOptions& options)
      : mail_(mail), node_(mail, clock_, options) {}

  int serve() {
    clock_.run_to({});
    mail_.send(kController, Ready{.next = clock_.next()});
    while (true) {
      Message message = *mail_.next();
      if (const auto* advance = std::get_if<Advance>(&message)) {
        send(advance_to(*advance));
      } else if (std::holds_alternative<Settle>(message)) {
        clock_.settle_once();
        send(node_.news());
      } else {
        if (const auto* part = std::get_if<RunPart>(&message)) catch_up(part->at);
        if (const auto code = node_.take(message)) return *code;
      }
    }
  }

 private:
  // Nothing is due before then: the controller knows when something is.
  void catch_up(TimePoint at) {
    if (clock_.now() < at) clock_.run_to(at);
  }

  NodeNews advance_to(const Advance& order) {
    clock_.run_to(order.at);
    NodeNews news = node_.news();
    while (news.empty() && clock_.now() < order.limit) {
      if (clock_.settling())
        clock_.settle_once();
      else if (clock_.next() <= order.limit && clock_.next() != kNever)
        clock_.run_to(clock_.next());
      else
        break;
      news = node_.news();
    }
    return news;
  }

  void send(NodeNews news) {
    Report report = report_of(std::move(news));
    report.now = clock_.now();
    report.next = clock_.next();
    report.settling = clock_.settling();
    mail_.send(kController, report);
  }

  NodeMail& mail_;
  NodeClock clock_;
  Node node_;
};

class WallTime {
 public:
  WallTime(NodeMail& mail, const NodeOptions& options) : mail_(mail), node_(mail, clock_, options) {
    mail_.listen([this] { node_.ranks().ring(); });
  }
  ~WallTime() { mail_.listen({}); }

  int serve() {
    mail_.send(kController, Ready{.next = kNever});
    while (true) {
      while (auto message = mail_.next(std::chrono::steady_clock::now()))
        if (const auto code = node_.take(*message)) return *code;
      if (NodeNews news = node_.news(); !news.empty())
        mail_.send(kController, report_of(std::move(news)));
      else
        node_.ranks().wait_for_news();
    }
  }

 private:
  NodeMail& mail_;
  serve::WallClock clock_;
  Node node_;
};

template <class Time>
int serve_in(NodeMail& mail, const NodeOptions& options) {
  Time time(mail, options);
  return time.serve();
}

int last_word(NodeMail& mail) {
  while (true) {
    const Message message = *mail.next();
    if (const auto* end = std::get_if<End>(&message)) return end->code;
  }
}

}  // namespace

int serve_node(Transport& transport, const MakeNode& make) {
  NodeMail mail(transport);
  const Message first = *mail.next();
  if (const auto* end = std::get_if<End>(&first)) return end->code;
  const auto* spec = std::get_if<NodeSpec>(&first);
  RG_CHECK(spec != nullptr, "message {} came before the node was told what it is", first.index());
  try {
    const NodeOptions options = make(*spec);
    return spec->virtual_clock ? serve_in<VirtualTime>(mail, options)
                               : serve_in<WallTime>(mail, options);
  } catch (const std::exception& error) {
    // The controller may be gone as well; then this throws again, and says so.
    mail.send(kController, Broke{error.what()});
    return last_word(mail);
  }
}

}  // namespace regroup::cluster
