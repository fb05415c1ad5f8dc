#ifndef PIIVAULT_VAULT_SERVICE_ACCEPTOR_H_
#define PIIVAULT_VAULT_SERVICE_ACCEPTOR_H_

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"

namespace piivault::vault {

class Observer;

// Listens for TCP connections and hands them on, because the listener of the RPC library dies for
// good when file descriptors run out.
//
// Guarantees: at most `max_connections` of the handed-over connections are open at a time; one more
// is closed at once. Goes on accepting after descriptors ran out. Descriptors are close-on-exec.
// Does not: read from connections, or close those it has handed over.
// Runs a thread of its own from Start() to Stop(). Not thread-safe otherwise.
class Acceptor {
 public:
  // Takes over the descriptor of a connection (non-blocking, without delay).
  using Receiver = std::function<void(int listener, int connection)>;

  // Binds and listens on each of `addresses`: `127.0.0.1:8443`, `[::1]:8443`; port 0 for any.
  // Names are not looked up. INVALID_ARGUMENT for something else; the code of errno where an
  // address cannot be bound. `observer` may be null.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Listen(const std::vector<std::string>& addresses,
                                                          size_t max_connections,
                                                          Observer* observer);
  ~Acceptor();

  // The ports bound, in the order of the addresses.
  std::vector<int> ports() const;

  // REQUIRES: called once.
  void Start(Receiver receiver);
  // Stops accepting and closes the listeners. May be called twice.
  void Stop();

 private:
  // An open socket is known by its inode, since its number is used again once it is closed.
  struct Connection {
    int fd;
    ino_t inode;
  };

  Acceptor(size_t max_connections, Observer* observer);
  absl::StatusOr<int> Bind(const std::string& address);
  void Run();
  // Accepts what waits on a listener; false where descriptors have run out.
  bool AcceptFrom(int listener);
  // Whether there is room for one more, after forgetting what was closed.
  bool HasRoom();
  // With the spare descriptor, turns away the connection that waits; else it would wait for ever.
  void TurnAway(int listener);

  const size_t max_connections_;
  Observer* const observer_;
  std::vector<int> listeners_;
  int spare_ = -1;
  int wake_[2] = {-1, -1};
  Receiver receiver_;
  std::vector<Connection> connections_;
  std::thread thread_;
};

// A cap for Acceptor::Listen(): the process's limit of descriptors less what everything else needs.
size_t MaxConnections(size_t reserved_descriptors);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_ACCEPTOR_H_
