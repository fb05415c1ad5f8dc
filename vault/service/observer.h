#ifndef PIIVAULT_VAULT_SERVICE_OBSERVER_H_
#define PIIVAULT_VAULT_SERVICE_OBSERVER_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "authz/reason.h"

namespace piivault::vault {

// What the transport tells about itself, for metrics. Every method may be called from any thread
// and must be quick. The default of each does nothing.
class Observer {
 public:
  virtual ~Observer() = default;

  // A call was answered. `method` is a name of the method table, or "unknown".
  virtual void CallFinished(std::string_view /*method*/, absl::StatusCode /*code*/,
                            authz::Reason /*reason*/, absl::Duration /*latency*/) {}
  // Calls between arrival and answer: +1 or -1.
  virtual void InFlight(int /*change*/) {}
  // A call was turned away, by the cap of all or its caller's or because it had waited too long for
  // its turn. It is also in CallFinished().
  virtual void CallShed() {}
  // A message conflicted and is decided again.
  virtual void DecidedAgain(std::string_view /*method*/) {}
  // A commit was not answered in time, or its outcome is unknown.
  virtual void CommitLost() {}

  // A TCP connection was accepted; the cap refused one; a handshake with a valid client certificate
  // was completed. Accepted less completed is what failed or is still under way.
  virtual void ConnectionAccepted() {}
  virtual void ConnectionRefused() {}
  virtual void HandshakeCompleted() {}
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_OBSERVER_H_
