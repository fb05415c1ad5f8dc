#ifndef PIIVAULT_OPS_SERVER_CONFIG_H_
#define PIIVAULT_OPS_SERVER_CONFIG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace piivault::ops {

// A CA whose certificates may call, and the identities it may name.
struct ClientRoot {
  std::string label;                    // for logs and metrics; [a-z0-9-]{1,32}
  std::string ca_file;                  // PEM, one certificate
  std::vector<std::string> identities;  // e.g. `spiffe://vault.example/staff/*`
  bool recipients = false;              // it names recipients outside, and nobody else
};

// What `piivaultd --config FILE` reads. Every member is a key of the same name; the defaults here
// are the documented ones. `ops/docs/config.md` says what each is for.
struct Config {
  std::string data_dir;  // required
  struct Keyring {
    std::string path;                  // required; never inside data_dir
    std::vector<std::string> mirrors;  // further copies; at least one is advised
    std::string passphrase_file;       // one of the three must be given
    std::string credential;            // systemd credential name, in $CREDENTIALS_DIRECTORY
    std::string credential_file;       // the same from a plain path
  } keyring;
  struct Listen {
    std::string address = "127.0.0.1:7443";  // port 0 picks a free one
    int connections = 0;                     // 0: three quarters of the descriptor limit
  } listen;
  struct Tls {
    std::string certificate;  // PEM chain; re-read when it changes
    std::string key;          // PEM
    std::vector<ClientRoot> client_roots;
  } tls;
  struct Metrics {
    std::string address = "127.0.0.1:9464";  // /metrics, /livez, /readyz; empty for none
  } metrics;
  struct Limits {
    int in_flight = 4096;                                // calls at once; more are shed
    int in_flight_per_caller = 0;                        // of these, of one caller; 0: half
    absl::Duration wait = absl::Milliseconds(50);        // for its turn, until a call is shed
    int queue = 8192;                                    // commits waiting
    int work_threads = 0;                                // hash credentials; 0: cores less one
    int work_places = 64;                                // trials waiting, for each of these
    absl::Duration stream_idle = absl::Seconds(60);      // a stream whose client reads nothing
    absl::Duration connection_idle = absl::Minutes(10);  // without calls, until it is closed
    absl::Duration connection_age = absl::Hours(12);     // in all; its streams end with it
    absl::Duration shutdown = absl::Seconds(20);         // for calls under way at the end
  } limits;
  struct Storage {
    int64_t block_cache_mib = 256;
  } storage;
  struct Keys {
    absl::Duration epoch_every = absl::Hours(24 * 7);
  } keys;
  struct Log {
    std::string level = "info";   // trace, debug, info, warn, error
    std::string format = "json";  // json or text
  } log;
  int completion_queues = 1;  // threads that serve calls
  bool reflection = false;    // development only
};

// Reads a configuration. Unknown or repeated keys, wrong types and missing required keys are
// INVALID_ARGUMENT with `file:line`, all of them in one message.
absl::StatusOr<Config> ParseConfig(std::string_view yaml, const std::string& file_name);
absl::StatusOr<Config> LoadConfig(const std::string& path);

// The configuration as such a file; ParseConfig() reads it back to the same.
std::string ToYaml(const Config& config);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_SERVER_CONFIG_H_
