#include "ops/cli/interrupt.h"

#include <initializer_list>
#include <utility>

namespace piivault::ops {
namespace {

constexpr int kEnd = SIGUSR1;  // tells the thread that it is not needed any more

sigset_t SetOf(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : signals) sigaddset(&set, signal);
  return set;
}

}  // namespace

InterruptMask::InterruptMask() {
  const sigset_t set = SetOf({SIGINT, kEnd});
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

InterruptMask::~InterruptMask() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

OnInterrupt::OnInterrupt(std::function<void()> act)
    : thread_([act = std::move(act)] {
        int signal = 0;
        const sigset_t both = SetOf({SIGINT, kEnd});
        if (sigwait(&both, &signal) != 0 || signal == kEnd) return;
        act();
        const sigset_t interrupt = SetOf({SIGINT});
        pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
        const sigset_t end = SetOf({kEnd});
        sigwait(&end, &signal);
      }) {}

OnInterrupt::~OnInterrupt() {
  pthread_kill(thread_.native_handle(), kEnd);
  thread_.join();
}

}  // namespace piivault::ops
