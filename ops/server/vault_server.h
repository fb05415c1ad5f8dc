#ifndef PIIVAULT_OPS_SERVER_VAULT_SERVER_H_
#define PIIVAULT_OPS_SERVER_VAULT_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ops/server/config.h"
#include "vault/service/counted_calls.h"

namespace rocksdb {
class FileSystem;
}

namespace piivault::ops {

inline constexpr char kVersion[] = "0.1.0";

// Where the database is within the data directory; the rest of it is the server's own.
std::string DatabasePath(const Config& config);

// What a test may replace.
struct ServerHooks {
  std::shared_ptr<rocksdb::FileSystem> file_system;  // shared with a write that may hang
  std::function<absl::Time()> now;                   // in place of vault time
  vault::DenialLimits denials;                       // until refusals share entries
};

// A whole vault: database, keyring, state, services, gRPC, metrics, background work.
//
// Guarantees: Start() returns when calls are served; nothing is served from a database or keyring
// that does not fit. Stop() finishes what is committed.
// Does not: initialize (ops/server/initialize.h), handle signals, harden the process.
// REQUIRES: vault::RequireTls13() was called. Thread-safe but for Start() and Stop().
class VaultServer {
 public:
  // FAILED_PRECONDITION: not initialized, opened by another process, newer format, older keyring.
  // PERMISSION_DENIED: the keyring does not open. DATA_LOSS: damaged or altered rows.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<VaultServer>> Start(
      const Config& config, const ServerHooks& hooks = {});
  ~VaultServer();

  int port() const;
  // 0 where metrics are off.
  int metrics_port() const;

  // Reads certificates, client roots and the rows that decide again, and takes the wall clock as it
  // is (VaultClock). What SIGHUP does, but for the log level.
  [[nodiscard]] absl::Status Reload(const Config& config);

  // Accepts nothing new, answers what is committed, closes the database. May be called twice.
  void Stop();

 private:
  struct Impl;
  explicit VaultServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_SERVER_VAULT_SERVER_H_
