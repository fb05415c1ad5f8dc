#ifndef PIIVAULT_VAULT_CRYPTO_CONTEXT_LANES_H_
#define PIIVAULT_VAULT_CRYPTO_CONTEXT_LANES_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace piivault::vault {

// A few keyed OpenSSL contexts of one key. A context can serve one thread at a time, and keying it
// anew costs more than using it; so each thread goes to a lane of its own as far as the lanes last.
//
// Ownership: owns the contexts, made on a lane's first use.
// Thread-safe.
template <typename Context>
class ContextLanes {
 public:
  using Deleter = void (*)(Context*);

  explicit ContextLanes(Deleter deleter) : deleter_(deleter) {}
  ~ContextLanes() {
    for (Lane& lane : lanes_) {
      absl::MutexLock lock(&lane.mutex);
      if (lane.context != nullptr) deleter_(lane.context);
    }
  }
  ContextLanes(const ContextLanes&) = delete;
  ContextLanes& operator=(const ContextLanes&) = delete;

  // Calls use(context), with a context from make() where the lane has none yet.
  template <typename Make, typename Use>
  void With(Make&& make, Use&& use) const {
    Lane& lane = lanes_[ThreadNumber() % kLanes];
    absl::MutexLock lock(&lane.mutex);
    if (lane.context == nullptr) lane.context = std::forward<Make>(make)();
    std::forward<Use>(use)(lane.context);
  }

 private:
  static constexpr size_t kLanes = 4;

  struct Lane {
    absl::Mutex mutex;
    Context* context ABSL_GUARDED_BY(mutex) = nullptr;
  };

  static size_t ThreadNumber() {
    static std::atomic<size_t> next{0};
    thread_local const size_t number = next.fetch_add(1, std::memory_order_relaxed);
    return number;
  }

  const Deleter deleter_;
  mutable std::array<Lane, kLanes> lanes_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_CONTEXT_LANES_H_
