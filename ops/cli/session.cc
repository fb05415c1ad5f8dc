#include "ops/cli/session.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace piivault::ops {

absl::StatusOr<ProfileStore> Session::LoadProfiles() const {
  std::string path = flags.config;
  if (path.empty()) path = environment()("PIIVAULT_CONFIG").value_or("");
  if (path.empty()) path = DefaultProfilePath(environment());
  return ProfileStore::Load(path);
}

absl::StatusOr<Profile> Session::ResolveProfile() const {
  absl::StatusOr<ProfileStore> store = LoadProfiles();
  if (!store.ok()) return store.status();
  std::string name = flags.context;
  if (name.empty()) name = environment()("PIIVAULT_CONTEXT").value_or("");
  const bool named = !name.empty();
  if (!named) name = store->current();
  Profile profile;
  if (const auto it = store->profiles().find(name); it != store->profiles().end()) {
    profile = it->second;
  } else if (named) {
    return absl::NotFoundError(absl::StrCat("there is no context ", name, " in ", store->path(),
                                            "; `piivault context list` shows them"));
  }
  return Overlay(Overlay(profile, ProfileFromEnvironment(environment())), flags.profile);
}

absl::StatusOr<Connection*> Session::Connect() {
  if (connection_ != nullptr) return connection_.get();
  absl::StatusOr<Profile> profile = ResolveProfile();
  if (!profile.ok()) return profile.status();
  const std::string tenant = profile->tenant.empty() ? "default" : profile->tenant;
  tenant_ = absl::StartsWith(tenant, "tenants/") ? tenant : absl::StrCat("tenants/", tenant);
  absl::StatusOr<std::unique_ptr<Connection>> connection =
      Connection::Open(*profile, absl::Seconds(flags.timeout_seconds));
  if (!connection.ok()) return connection.status();
  connection_ = *std::move(connection);
  return connection_.get();
}

bool Session::json() const {
  if (!flags.output.empty()) return flags.output == "json";
  return environment()("PIIVAULT_OUTPUT").value_or("") == "json";
}

const Renderer& Session::render() {
  if (!renderer_.has_value()) {
    renderer_.emplace(json() ? OutputFormat::kJson : OutputFormat::kTable, out(), err());
  }
  return *renderer_;
}

}  // namespace piivault::ops
