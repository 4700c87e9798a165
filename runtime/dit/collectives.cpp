#include "runtime/dit/collectives.hpp"

namespace regroup::dit {

void perform(const Exchange& exchange, Collectives& collectives) {
  switch (exchange.kind) {
    case Exchange::Kind::kSequenceToHeads:
      return collectives.sequence_to_heads(exchange.split, exchange.in, exchange.out);
    case Exchange::Kind::kHeadsToSequence:
      return collectives.heads_to_sequence(exchange.split, exchange.in, exchange.out);
    case Exchange::Kind::kSwapBranches:
      return collectives.swap_branches(exchange.in, exchange.out);
  }
}

}  // namespace regroup::dit
