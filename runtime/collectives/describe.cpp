#include "runtime/collectives/describe.hpp"

#include <fmt/format.h>

namespace regroup::collectives {
namespace {

const char* name(Op op) {
  switch (op) {
    case Op::kNone:
      return "nothing";
    case Op::kBarrier:
      return "barrier";
    case Op::kAllGather:
      return "all-gather";
    case Op::kSeqToHeads:
      return "all-to-all to heads";
    case Op::kHeadsToSeq:
      return "all-to-all to sequence";
    case Op::kPut:
      return "put";
  }
  return "an operation that does not exist";
}

const char* name(Status status) {
  switch (status) {
    case Status::kOk:
      return "no failure";
    case Status::kMismatch:
      return "mismatch";
    case Status::kTimeout:
      return "time-out";
    case Status::kAborted:
      return "abort";
    case Status::kCorrupted:
      return "corruption";
    case Status::kRefused:
      return "refusal";
  }
  return "a failure that does not exist";
}

std::string ranks_of(const RankGroup& group) {
  std::string text;
  for (int i = 0; i < group.size && i < kMaxRanks; ++i)
    text += fmt::format("{}{}", i == 0 ? "" : " ", group.ranks[i]);
  return text;
}

std::string tokens_of(const TensorShape& shape) {
  if (shape.leading == 0) return fmt::format("{}", shape.tokens);
  return fmt::format("({} + {})", shape.leading, shape.tokens - shape.leading);
}

std::string operation(const Notice& notice) {
  std::string what = name(notice.op);
  const TensorShape& shape = notice.shape;
  if (notice.op == Op::kPut)
    what += fmt::format(" of {} bytes at {}", shape.tokens, notice.offset);
  else if (notice.op != Op::kBarrier)
    what += fmt::format(" of {} x {} tokens x {} heads x {} bytes", shape.tensors, tokens_of(shape),
                        shape.heads, shape.head_bytes);
  return fmt::format("{}, step {}, ranks ({})", what, notice.group.step, ranks_of(notice.group));
}

const char* awaited(Awaited awaited) {
  return awaited == Awaited::kNotice ? "enter" : "have taken what was announced as";
}

std::string refusal(const Failure& f) {
  switch (f.refusal) {
    case Refusal::kNone:
      break;
    case Refusal::kNotMember:
      return "this rank is not a member";
    case Refusal::kInputBytes:
      return fmt::format("the input has {} bytes, this member's part {}", f.asked, f.allowed);
    case Refusal::kOutputBytes:
      return fmt::format("the output has {} bytes, this member's part {}", f.asked, f.allowed);
    case Refusal::kSlotBytes:
      return fmt::format("the largest part has {} bytes, a staging slot {}", f.asked, f.allowed);
    case Refusal::kWindowBytes:
      return fmt::format("it would end at byte {}, a window has {}", f.asked, f.allowed);
    case Refusal::kNotSource:
      return "only the first member puts, and only the others await it";
  }
  return "no reason";
}

}  // namespace

std::string describe(const Failure& f) {
  const auto at = [&f] {
    return fmt::format("rank {}, peer {}, sequence {}", f.rank, f.peer, f.sequence);
  };
  switch (f.status) {
    case Status::kOk:
      return "no failure";
    case Status::kMismatch:
      return fmt::format("{}: mismatch: rank {} is at [{}], rank {} at [{}]", at(), f.rank,
                         operation(f.own), f.peer, operation(f.theirs));
    case Status::kTimeout:
      return fmt::format(
          "{}: time-out: rank {} did not {} number {} before the deadline; rank {} "
          "is at [{}]",
          at(), f.peer, awaited(f.awaited), f.sequence, f.rank, operation(f.own));
    case Status::kAborted:
      return fmt::format("{}: abort: rank {} had failed ({}, naming rank {}); rank {} is at [{}]",
                         at(), f.peer, name(f.peer_status), f.accused, f.rank, operation(f.own));
    case Status::kCorrupted:
      return fmt::format(
          "{}: corruption: rank {} announced checksum {:016x}, rank {} took {:016x} "
          "in [{}]",
          at(), f.peer, f.allowed, f.rank, f.asked, operation(f.own));
    case Status::kRefused:
      return fmt::format("rank {}: refused [{}]: {}", f.rank, operation(f.own), refusal(f));
  }
  return "a failure that does not exist";
}

}  // namespace regroup::collectives
