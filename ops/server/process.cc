#include "ops/server/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>

namespace piivault::ops {

absl::Status HardenProcess() {
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) {
    return absl::FailedPreconditionError("core dumps cannot be switched off");
  }
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return absl::FailedPreconditionError("the process cannot be made undumpable");
  }
  umask(S_IRWXG | S_IRWXO);
  return absl::OkStatus();
}

SignalQueue::SignalQueue() {
  sigemptyset(&set_);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set_, number);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int SignalQueue::Wait(absl::Duration timeout) {
  const timespec limit = absl::ToTimespec(timeout);
  const int number = sigtimedwait(&set_, nullptr, &limit);
  return number > 0 ? number : 0;
}

}  // namespace piivault::ops
