#ifndef PIIVAULT_OPS_CLI_INTERRUPT_H_
#define PIIVAULT_OPS_CLI_INTERRUPT_H_

#include <signal.h>

#include <functional>
#include <thread>

namespace piivault::ops {

// As long as it lives, this thread and those that it starts leave Ctrl-C to OnInterrupt. For one
// thread; made before there are others.
class InterruptMask {
 public:
  InterruptMask();
  ~InterruptMask();
  InterruptMask(const InterruptMask&) = delete;
  InterruptMask& operator=(const InterruptMask&) = delete;

 private:
  sigset_t before_{};
};

// As long as it lives, calls a function when Ctrl-C is pressed, once, on a thread of its own.
// Pressed again it ends the program. REQUIRES: an InterruptMask around it.
class OnInterrupt {
 public:
  explicit OnInterrupt(std::function<void()> act);
  ~OnInterrupt();
  OnInterrupt(const OnInterrupt&) = delete;
  OnInterrupt& operator=(const OnInterrupt&) = delete;

 private:
  std::thread thread_;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_INTERRUPT_H_
