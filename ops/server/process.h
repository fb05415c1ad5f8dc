#ifndef PIIVAULT_OPS_SERVER_PROCESS_H_
#define PIIVAULT_OPS_SERVER_PROCESS_H_

#include <csignal>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace piivault::ops {

// Opens /dev/null for standard input, output and error where they are closed: the next files to be
// opened, such as the database's, would get their numbers, and then what is printed. First of all
// in main. FAILED_PRECONDITION where the system refuses.
absl::Status OccupyStandardStreams();

// Makes the process keep its secrets to itself: no core dumps, not traceable by others of the same
// user, files for the owner only. FAILED_PRECONDITION where the system refuses.
absl::Status HardenProcess();

// Receives SIGTERM, SIGINT and SIGHUP as values rather than in handlers. SIGPIPE is ignored.
//
// Made in main before any thread starts, so that every thread inherits the blocked mask.
// Not thread-safe.
class SignalQueue {
 public:
  SignalQueue();
  // The next signal, or 0 when `timeout` has passed.
  int Wait(absl::Duration timeout);

 private:
  sigset_t set_;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_SERVER_PROCESS_H_
