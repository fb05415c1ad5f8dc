#include "ops/server/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace piivault::ops {

absl::Status OccupyStandardStreams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) != -1) continue;
    // The lowest number that is free, which is this one.
    if (open("/dev/null", stream == STDIN_FILENO ? O_RDONLY : O_WRONLY) != stream) {
      return absl::FailedPreconditionError("there is no /dev/null for a stream that is closed");
    }
  }
  return absl::OkStatus();
}

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
