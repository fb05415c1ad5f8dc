#include "ops/cli/profile.h"

#include <yaml-cpp/yaml.h>

#include <array>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ops/pki/files.h"

namespace piivault::ops {
namespace {

struct Member {
  const char* key;       // in the file
  const char* variable;  // in the environment
  std::string Profile::*member;
};

constexpr std::array<Member, 6> kMembers = {{
    {"address", "PIIVAULT_ADDRESS", &Profile::address},
    {"ca", "PIIVAULT_CA", &Profile::ca},
    {"certificate", "PIIVAULT_CERT", &Profile::certificate},
    {"key", "PIIVAULT_KEY", &Profile::key},
    {"server_name", "PIIVAULT_SERVER_NAME", &Profile::server_name},
    {"tenant", "PIIVAULT_TENANT", &Profile::tenant},
}};

Profile ProfileFromYaml(const YAML::Node& node) {
  Profile profile;
  for (const Member& member : kMembers) {
    if (const YAML::Node value = node[member.key]; value && value.IsScalar()) {
      profile.*member.member = value.Scalar();
    }
  }
  return profile;
}

}  // namespace

absl::StatusOr<ProfileStore> ProfileStore::Load(const std::string& path) {
  ProfileStore store(path);
  absl::StatusOr<std::string> text = ReadFile(path, size_t{1} << 20);
  if (absl::IsNotFound(text.status())) return store;
  if (!text.ok()) return text.status();
  try {
    const YAML::Node root = YAML::Load(*text);
    if (root["current"]) store.current_ = root["current"].as<std::string>();
    for (const auto& entry : root["contexts"]) {
      store.profiles_[entry.first.as<std::string>()] = ProfileFromYaml(entry.second);
    }
  } catch (const YAML::Exception& e) {
    return absl::InvalidArgumentError(absl::StrCat(path, ":", e.mark.line + 1, ": ", e.msg));
  }
  return store;
}

absl::Status ProfileStore::Save() const {
  YAML::Emitter yaml;
  yaml << YAML::BeginMap << YAML::Key << "current" << YAML::Value << YAML::DoubleQuoted << current_;
  yaml << YAML::Key << "contexts" << YAML::Value << YAML::BeginMap;
  for (const auto& [name, profile] : profiles_) {
    yaml << YAML::Key << name << YAML::Value << YAML::BeginMap;
    for (const Member& member : kMembers) {
      const std::string& value = profile.*member.member;
      if (!value.empty()) {
        yaml << YAML::Key << member.key << YAML::Value << YAML::DoubleQuoted << value;
      }
    }
    yaml << YAML::EndMap;
  }
  yaml << YAML::EndMap << YAML::EndMap;
  const std::string directory = std::filesystem::path(path_).parent_path().string();
  if (absl::Status status = MakePrivateDirectory(directory); !status.ok()) return status;
  return WriteFile(path_, absl::StrCat(yaml.c_str(), "\n"), 0600);
}

void ProfileStore::Set(const std::string& name, const Profile& changes) {
  Profile& profile = profiles_[name];
  profile = Overlay(profile, changes);
  // A context is used from other folders than the one it was made in.
  for (std::string* file : {&profile.ca, &profile.certificate, &profile.key}) {
    if (!file->empty()) *file = std::filesystem::absolute(*file).lexically_normal().string();
  }
  if (current_.empty()) current_ = name;
}

absl::Status ProfileStore::Use(const std::string& name) {
  if (!profiles_.contains(name)) {
    return absl::NotFoundError(absl::StrCat("there is no context ", name));
  }
  current_ = name;
  return absl::OkStatus();
}

absl::Status ProfileStore::Remove(const std::string& name) {
  if (profiles_.erase(name) == 0) {
    return absl::NotFoundError(absl::StrCat("there is no context ", name));
  }
  if (current_ == name) current_.clear();
  return absl::OkStatus();
}

std::string DefaultProfilePath(const EnvironmentLookup& environment) {
  std::string base = environment("XDG_CONFIG_HOME").value_or("");
  if (base.empty()) base = absl::StrCat(environment("HOME").value_or("/root"), "/.config");
  return absl::StrCat(base, "/piivault/config.yaml");
}

Profile Overlay(const Profile& base, const Profile& over) {
  Profile out = base;
  // The name in a certificate belongs to the server at that address.
  if (!over.address.empty() && over.address != base.address) out.server_name.clear();
  for (const Member& member : kMembers) {
    if (!(over.*member.member).empty()) out.*member.member = over.*member.member;
  }
  return out;
}

Profile ProfileFromEnvironment(const EnvironmentLookup& environment) {
  Profile out;
  for (const Member& member : kMembers) {
    out.*member.member = environment(member.variable).value_or("");
  }
  return out;
}

}  // namespace piivault::ops
