#ifndef PIIVAULT_OPS_CLI_PROFILE_H_
#define PIIVAULT_OPS_CLI_PROFILE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace piivault::ops {

// Where a vault is and as whom to call it. Empty members are not set.
struct Profile {
  std::string address;      // host:port
  std::string ca;           // file, PEM: who signs the server's certificate
  std::string certificate;  // file, PEM: the caller's own
  std::string key;          // file, PEM
  std::string
      server_name;     // name in the server's certificate, where it is not the host of `address`
  std::string tenant;  // default tenant, without `tenants/`
};

// The named profiles of one person: `context` on the command line.
//
// Kept in one YAML file of mode 0600, replaced whole. It holds paths of keys, never keys.
// Thread-compatible.
class ProfileStore {
 public:
  // A missing file is an empty store. INVALID_ARGUMENT for one that cannot be read as such.
  [[nodiscard]] static absl::StatusOr<ProfileStore> Load(const std::string& path);
  [[nodiscard]] absl::Status Save() const;

  const std::string& path() const { return path_; }
  const std::string& current() const { return current_; }
  const std::map<std::string, Profile>& profiles() const { return profiles_; }

  // Adds the profile or overwrites the members that are set in `changes`; names of files become
  // absolute. The first one becomes the current one.
  void Set(const std::string& name, const Profile& changes);
  // NOT_FOUND where there is no such profile.
  [[nodiscard]] absl::Status Use(const std::string& name);
  [[nodiscard]] absl::Status Remove(const std::string& name);

 private:
  explicit ProfileStore(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::string current_;
  std::map<std::string, Profile> profiles_;
};

// The value of an environment variable, or nullopt.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string&)>;

// $XDG_CONFIG_HOME/piivault/config.yaml, else ~/.config/piivault/config.yaml.
std::string DefaultProfilePath(const EnvironmentLookup& environment);

// Members set in `over` take the place of those in `base`; another address drops `server_name`.
Profile Overlay(const Profile& base, const Profile& over);

// PIIVAULT_ADDRESS, PIIVAULT_CA, PIIVAULT_CERT, PIIVAULT_KEY, PIIVAULT_SERVER_NAME,
// PIIVAULT_TENANT.
Profile ProfileFromEnvironment(const EnvironmentLookup& environment);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_PROFILE_H_
