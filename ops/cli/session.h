#ifndef PIIVAULT_OPS_CLI_SESSION_H_
#define PIIVAULT_OPS_CLI_SESSION_H_

#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ops/cli/connection.h"
#include "ops/cli/profile.h"
#include "ops/cli/render.h"

namespace piivault::ops {

// What a command has of the world; all borrowed. Tests give their own.
struct Surroundings {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool err_is_terminal = false;
  EnvironmentLookup environment;
  std::function<absl::Time()> now;
};

// Flags that every command takes.
struct GlobalFlags {
  std::string context;
  std::string config;
  std::string output;
  Profile profile;
  double timeout_seconds = 30;
};

class Session;
// What a command does once the line is parsed; returns the exit code, or the error to print.
using Action = std::function<absl::StatusOr<int>(Session&)>;

// One run of the program: flags, the chosen command, and what it needs to do its work.
//
// Ownership: owns the connection; borrows the surroundings. Thread-compatible.
class Session {
 public:
  explicit Session(Surroundings surroundings) : surroundings_(std::move(surroundings)) {}

  GlobalFlags flags;
  Action action;  // set by the command that was named

  // The profile in force: flags over environment over context. NOT_FOUND for an unknown context.
  [[nodiscard]] absl::StatusOr<Profile> ResolveProfile() const;
  [[nodiscard]] absl::StatusOr<ProfileStore> LoadProfiles() const;

  // The connection of the profile in force, made at first use and kept.
  [[nodiscard]] absl::StatusOr<Connection*> Connect();

  // `tenants/{tenant}`: the profile's, or `tenants/default`. REQUIRES: Connect() succeeded.
  const std::string& tenant() const { return tenant_; }

  const Renderer& render();
  bool json() const;

  std::istream& in() { return surroundings_.in; }
  std::ostream& out() { return surroundings_.out; }
  std::ostream& err() { return surroundings_.err; }
  bool err_is_terminal() const { return surroundings_.err_is_terminal; }
  absl::Time now() const { return surroundings_.now(); }
  const EnvironmentLookup& environment() const { return surroundings_.environment; }

 private:
  const Surroundings surroundings_;
  std::unique_ptr<Connection> connection_;
  std::optional<Renderer> renderer_;
  std::string tenant_;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_SESSION_H_
