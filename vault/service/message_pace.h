#ifndef PIIVAULT_VAULT_SERVICE_MESSAGE_PACE_H_
#define PIIVAULT_VAULT_SERVICE_MESSAGE_PACE_H_

#include <algorithm>
#include <array>
#include <cstddef>

#include "vault/service/handler.h"

namespace piivault::vault {

// How much one message of a stream works on: less once other writes have come between, or the
// machine was too slow for a decision about so much; more again when that is over. So a stream gets
// on also where what it reads is written all the time. One for each call; thread-compatible.
class MessagePace {
 public:
  // Most first.
  using Sizes = std::array<size_t, kMaxAttempts>;
  explicit constexpr MessagePace(const Sizes& sizes) : sizes_(sizes) {}

  // For this attempt of the next message.
  size_t Next(int attempt) {
    attempt_ = attempt;
    if (attempt > 1) pace_ = std::min(pace_ + 1, sizes_.size() - 1);
    return sizes_[pace_];
  }
  // That message is durable.
  void Committed() {
    if (attempt_ == 1 && pace_ > 0) --pace_;
  }

 private:
  const Sizes sizes_;
  size_t pace_ = 0;
  int attempt_ = 1;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_MESSAGE_PACE_H_
