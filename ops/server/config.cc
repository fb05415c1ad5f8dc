#include "ops/server/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace piivault::ops {
namespace {

// What the transport can hold.
constexpr absl::Duration kLongestSession = absl::Hours(480);

// Reads one mapping strictly and collects what is wrong with it.
class Section {
 public:
  Section(const YAML::Node& node, std::string path, const std::string& file,
          std::vector<std::string>* problems)
      : node_(node), path_(std::move(path)), file_(file), problems_(problems) {
    if (!node_ || node_.IsNull()) return;
    if (!node_.IsMap()) {
      Complain(node_, "must be a mapping");
      return;
    }
    for (const auto& entry : node_) {
      const std::string key = entry.first.Scalar();
      if (!unread_.emplace(key, entry.first).second) Complain(entry.first, "stands twice", key);
    }
  }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;
  ~Section() {
    for (const auto& [key, node] : unread_) Complain(node, "is not a setting", key);
  }

  YAML::Node Take(const std::string& key) {
    unread_.erase(key);
    return node_ && node_.IsMap() ? node_[key] : YAML::Node(YAML::NodeType::Undefined);
  }

  void Read(const std::string& key, std::string* out, bool required = false) {
    const YAML::Node value = Take(key);
    if (value && value.IsScalar() && (!required || !value.Scalar().empty())) {
      *out = value.Scalar();
    } else if (value && !value.IsScalar()) {
      Complain(value, "must be a text", key);
    } else if (required) {
      Complain(node_, "is required", key);
    }
  }

  template <typename Int>
  void Read(const std::string& key, Int* out, Int low, Int high) {
    const YAML::Node value = Take(key);
    if (!value) return;
    int64_t number = 0;
    if (!value.IsScalar() || !absl::SimpleAtoi(value.Scalar(), &number) || number < low ||
        number > high) {
      Complain(value, absl::StrCat("must be a whole number from ", low, " to ", high), key);
      return;
    }
    *out = static_cast<Int>(number);
  }

  void Read(const std::string& key, bool* out) {
    const YAML::Node value = Take(key);
    if (!value) return;
    if (!value.IsScalar() || (value.Scalar() != "true" && value.Scalar() != "false")) {
      Complain(value, "must be true or false", key);
      return;
    }
    *out = value.Scalar() == "true";
  }

  void Read(const std::string& key, absl::Duration* out) {
    const YAML::Node value = Take(key);
    if (!value) return;
    absl::Duration duration;
    if (!value.IsScalar() || !absl::ParseDuration(value.Scalar(), &duration) ||
        duration <= absl::ZeroDuration()) {
      Complain(value, "must be a duration such as 20s or 168h", key);
      return;
    }
    *out = duration;
  }

  void Read(const std::string& key, std::vector<std::string>* out) {
    const YAML::Node value = Take(key);
    if (!value) return;
    if (!value.IsSequence()) {
      Complain(value, "must be a list", key);
      return;
    }
    for (const auto& item : value) {
      if (item.IsScalar()) {
        out->push_back(item.Scalar());
      } else {
        Complain(item, "must hold texts only", key);
      }
    }
  }

  void ReadChoice(const std::string& key, std::string* out, const std::set<std::string>& choices) {
    std::string text = *out;
    const YAML::Node value = node_ && node_.IsMap() ? node_[key] : YAML::Node();
    Read(key, &text);
    if (choices.contains(text)) {
      *out = text;
    } else {
      Complain(value, absl::StrCat("must be one of ", absl::StrJoin(choices, ", ")), key);
    }
  }

  void Complain(const YAML::Node& at, std::string_view what, std::string_view key = "") {
    const int line = at ? at.Mark().line + 1 : 0;
    std::string name = path_;
    if (!key.empty()) name = name.empty() ? std::string(key) : name + "." + std::string(key);
    problems_->push_back(absl::StrCat(file_, ":", std::max(line, 1), ": ",
                                      name.empty() ? "the configuration" : name, " ",
                                      std::string(what)));
  }

 private:
  const YAML::Node node_;
  const std::string path_;
  const std::string file_;
  std::vector<std::string>* const problems_;
  std::map<std::string, YAML::Node> unread_;
};

void ReadClientRoots(const YAML::Node& list, const std::string& file, Config* config,
                     std::vector<std::string>* problems) {
  if (!list || !list.IsSequence() || list.size() == 0) {
    problems->push_back(absl::StrCat(
        file, ":", list ? list.Mark().line + 1 : 1,
        ": tls.client_roots is required: a list of {label, ca_file, identities, recipients}"));
    return;
  }
  for (const auto& item : list) {
    ClientRoot root;
    {
      Section section(item, "tls.client_roots", file, problems);
      section.Read("label", &root.label, true);
      section.Read("ca_file", &root.ca_file, true);
      section.Read("identities", &root.identities);
      section.Read("recipients", &root.recipients);
      if (root.identities.empty())
        section.Complain(item, "must list at least one pattern", "identities");
    }
    config->tls.client_roots.push_back(std::move(root));
  }
}

bool IsInside(const std::string& path, const std::string& directory) {
  const auto normal = std::filesystem::path(path).lexically_normal();
  const auto base = std::filesystem::path(directory).lexically_normal();
  const auto relative = normal.lexically_relative(base);
  return !relative.empty() && *relative.begin() != "..";
}

void CheckWhole(const Config& config, const std::string& file, std::vector<std::string>* problems) {
  const auto& keyring = config.keyring;
  const int ways = (keyring.passphrase_file.empty() ? 0 : 1) +
                   (keyring.credential.empty() ? 0 : 1) + (keyring.credential_file.empty() ? 0 : 1);
  if (ways != 1) {
    problems->push_back(
        absl::StrCat(file,
                     ":1: keyring needs exactly one of passphrase_file, credential, "
                     "credential_file"));
  }
  if (config.limits.in_flight_per_caller > config.limits.in_flight) {
    problems->push_back(absl::StrCat(
        file, ":1: limits.in_flight_per_caller must not be above limits.in_flight: one caller ",
        "could keep all others out"));
  }
  if (std::max(config.limits.connection_idle, config.limits.connection_age) > kLongestSession) {
    problems->push_back(absl::StrCat(
        file, ":1: limits.connection_idle and limits.connection_age are at most 480h"));
  }
  std::vector<std::string> copies = keyring.mirrors;
  copies.push_back(keyring.path);
  for (const std::string& copy : copies) {
    if (!copy.empty() && !config.data_dir.empty() && IsInside(copy, config.data_dir)) {
      problems->push_back(absl::StrCat(
          file,
          ":1: keyring and mirrors must not be inside data_dir: backups would carry the keys"));
      break;
    }
  }
}

void ReadSections(const YAML::Node& root, const std::string& file, Config* config,
                  std::vector<std::string>* problems) {
  Section top(root, "", file, problems);
  top.Read("data_dir", &config->data_dir, true);
  top.Read("completion_queues", &config->completion_queues, 1, 64);
  top.Read("reflection", &config->reflection);
  {
    Section s(top.Take("keyring"), "keyring", file, problems);
    s.Read("path", &config->keyring.path, true);
    s.Read("mirrors", &config->keyring.mirrors);
    s.Read("passphrase_file", &config->keyring.passphrase_file);
    s.Read("credential", &config->keyring.credential);
    s.Read("credential_file", &config->keyring.credential_file);
  }
  {
    Section s(top.Take("listen"), "listen", file, problems);
    s.Read("address", &config->listen.address);
    s.Read("connections", &config->listen.connections, 0, 1'000'000);
  }
  {
    Section s(top.Take("tls"), "tls", file, problems);
    s.Read("certificate", &config->tls.certificate, true);
    s.Read("key", &config->tls.key, true);
    ReadClientRoots(s.Take("client_roots"), file, config, problems);
  }
  {
    Section s(top.Take("metrics"), "metrics", file, problems);
    s.Read("address", &config->metrics.address);
  }
  {
    Section s(top.Take("limits"), "limits", file, problems);
    s.Read("in_flight", &config->limits.in_flight, 1, 1'000'000);
    s.Read("in_flight_per_caller", &config->limits.in_flight_per_caller, 0, 1'000'000);
    s.Read("wait", &config->limits.wait);
    s.Read("queue", &config->limits.queue, 1, 1'000'000);
    s.Read("work_threads", &config->limits.work_threads, 0, 64);
    s.Read("work_places", &config->limits.work_places, 1, 4096);
    s.Read("stream_idle", &config->limits.stream_idle);
    s.Read("connection_idle", &config->limits.connection_idle);
    s.Read("connection_age", &config->limits.connection_age);
    s.Read("shutdown", &config->limits.shutdown);
  }
  {
    Section s(top.Take("storage"), "storage", file, problems);
    s.Read("block_cache_mib", &config->storage.block_cache_mib, int64_t{8}, int64_t{1} << 20);
  }
  {
    Section s(top.Take("keys"), "keys", file, problems);
    s.Read("epoch_every", &config->keys.epoch_every);
  }
  {
    Section s(top.Take("log"), "log", file, problems);
    s.ReadChoice("level", &config->log.level, {"trace", "debug", "info", "warn", "error"});
    s.ReadChoice("format", &config->log.format, {"json", "text"});
  }
}

}  // namespace

absl::StatusOr<Config> ParseConfig(std::string_view yaml, const std::string& file_name) {
  Config config;
  std::vector<std::string> problems;
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    ReadSections(root, file_name, &config, &problems);
  } catch (const YAML::Exception& e) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_name, ":", e.mark.line + 1, ": not valid YAML"));
  }
  CheckWhole(config, file_name, &problems);
  if (!problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  return config;
}

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::ostringstream text;
  text << in.rdbuf();
  return ParseConfig(text.str(), path);
}

std::string ToYaml(const Config& config) {
  YAML::Emitter out;
  const auto text = [&out](const char* key, const std::string& value) {
    if (!value.empty()) out << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
  };
  const auto open = [&out](const char* key) {
    out << YAML::Key << key << YAML::Value << YAML::BeginMap;
  };
  const auto list = [&out](const char* key, const std::vector<std::string>& values) {
    out << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
    for (const std::string& value : values) out << YAML::DoubleQuoted << value;
    out << YAML::EndSeq;
  };
  const auto number = [&out](const char* key, auto value) {
    out << YAML::Key << key << YAML::Value << value;
  };
  out << YAML::BeginMap;
  text("data_dir", config.data_dir);
  number("completion_queues", config.completion_queues);
  number("reflection", config.reflection);
  open("keyring");
  text("path", config.keyring.path);
  if (!config.keyring.mirrors.empty()) list("mirrors", config.keyring.mirrors);
  text("passphrase_file", config.keyring.passphrase_file);
  text("credential", config.keyring.credential);
  text("credential_file", config.keyring.credential_file);
  out << YAML::EndMap;
  open("listen");
  text("address", config.listen.address);
  number("connections", config.listen.connections);
  out << YAML::EndMap;
  open("tls");
  text("certificate", config.tls.certificate);
  text("key", config.tls.key);
  out << YAML::Key << "client_roots" << YAML::Value << YAML::BeginSeq;
  for (const ClientRoot& root : config.tls.client_roots) {
    out << YAML::BeginMap;
    text("label", root.label);
    text("ca_file", root.ca_file);
    list("identities", root.identities);
    if (root.recipients) number("recipients", true);
    out << YAML::EndMap;
  }
  out << YAML::EndSeq << YAML::EndMap;
  open("metrics");
  out << YAML::Key << "address" << YAML::Value << YAML::DoubleQuoted << config.metrics.address;
  out << YAML::EndMap;
  open("limits");
  number("in_flight", config.limits.in_flight);
  number("in_flight_per_caller", config.limits.in_flight_per_caller);
  number("wait", absl::FormatDuration(config.limits.wait));
  number("queue", config.limits.queue);
  number("work_threads", config.limits.work_threads);
  number("work_places", config.limits.work_places);
  number("stream_idle", absl::FormatDuration(config.limits.stream_idle));
  number("connection_idle", absl::FormatDuration(config.limits.connection_idle));
  number("connection_age", absl::FormatDuration(config.limits.connection_age));
  number("shutdown", absl::FormatDuration(config.limits.shutdown));
  out << YAML::EndMap;
  open("storage");
  number("block_cache_mib", config.storage.block_cache_mib);
  out << YAML::EndMap;
  open("keys");
  number("epoch_every", absl::FormatDuration(config.keys.epoch_every));
  out << YAML::EndMap;
  open("log");
  text("level", config.log.level);
  text("format", config.log.format);
  out << YAML::EndMap << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace piivault::ops
