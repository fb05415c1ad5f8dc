#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ops/cli/arguments.h"
#include "ops/cli/commands.h"
#include "ops/cli/exit_code.h"
#include "ops/pki/files.h"
#include "ops/server/config.h"
#include "ops/server/initialize.h"
#include "vault/crypto/random.h"
#include "vault/service/identity.h"
#include "vault/text.h"

namespace piivault::ops {
namespace {

constexpr size_t kMaxPem = size_t{1} << 20;

struct InitFlags {
  std::string config;  // one that exists
  std::string dir;     // or what to write one for
  std::string address = "127.0.0.1:7443";
  std::string metrics = "127.0.0.1:9464";
  std::string certificate;
  std::string key;
  std::string client_ca;
  std::vector<std::string> client_identities;
  std::string recipient_ca;
  std::vector<std::string> recipient_identities;
  std::vector<std::string> administrators;
  bool single_operator = false;
};

std::string Absolute(const std::string& path) {
  std::error_code error;
  return std::filesystem::absolute(path, error).lexically_normal().string();
}

void Add(YAML::Emitter& yaml, const char* key, const std::string& value) {
  yaml << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
}

void AddRoot(YAML::Emitter& yaml, const char* label, const std::string& ca_file,
             const std::vector<std::string>& identities, bool recipients) {
  yaml << YAML::BeginMap;
  Add(yaml, "label", label);
  Add(yaml, "ca_file", Absolute(ca_file));
  yaml << YAML::Key << "identities" << YAML::Value << YAML::Flow << YAML::BeginSeq;
  for (const std::string& identity : identities) yaml << YAML::DoubleQuoted << identity;
  yaml << YAML::EndSeq;
  if (recipients) yaml << YAML::Key << "recipients" << YAML::Value << true;
  yaml << YAML::EndMap;
}

// A complete configuration with everything below one directory.
std::string ConfigYaml(const InitFlags& flags) {
  const std::string dir = Absolute(flags.dir);
  YAML::Emitter yaml;
  yaml << YAML::BeginMap;
  Add(yaml, "data_dir", absl::StrCat(dir, "/data"));
  yaml << YAML::Key << "keyring" << YAML::Value << YAML::BeginMap;
  Add(yaml, "path", absl::StrCat(dir, "/keys/keyring"));
  yaml << YAML::Key << "mirrors" << YAML::Value << YAML::Flow << YAML::BeginSeq
       << YAML::DoubleQuoted << absl::StrCat(dir, "/keys-mirror/keyring") << YAML::EndSeq;
  Add(yaml, "passphrase_file", absl::StrCat(dir, "/keys/passphrase"));
  yaml << YAML::EndMap;
  yaml << YAML::Key << "listen" << YAML::Value << YAML::BeginMap;
  Add(yaml, "address", flags.address);
  yaml << YAML::EndMap;
  yaml << YAML::Key << "metrics" << YAML::Value << YAML::BeginMap;
  Add(yaml, "address", flags.metrics);
  yaml << YAML::EndMap;
  yaml << YAML::Key << "tls" << YAML::Value << YAML::BeginMap;
  Add(yaml, "certificate", Absolute(flags.certificate));
  Add(yaml, "key", Absolute(flags.key));
  yaml << YAML::Key << "client_roots" << YAML::Value << YAML::BeginSeq;
  AddRoot(yaml, "main", flags.client_ca, flags.client_identities, false);
  if (!flags.recipient_ca.empty()) {
    AddRoot(yaml, "recipients", flags.recipient_ca, flags.recipient_identities, true);
  }
  yaml << YAML::EndSeq << YAML::EndMap << YAML::EndMap;
  return absl::StrCat("# Every setting is described in ops/docs/config.md.\n", yaml.c_str(), "\n");
}

// Makes the directory, a passphrase that nobody has to remember, and the configuration.
absl::StatusOr<std::string> WriteConfig(const InitFlags& flags) {
  if (flags.certificate.empty() || flags.key.empty() || flags.client_ca.empty() ||
      flags.client_identities.empty()) {
    return absl::InvalidArgumentError(
        "--dir needs --server-cert, --server-key, --client-ca and --client-identities");
  }
  if (flags.recipient_ca.empty() != flags.recipient_identities.empty()) {
    return absl::InvalidArgumentError("--recipient-ca needs --recipient-identities");
  }
  const std::string keys = absl::StrCat(Absolute(flags.dir), "/keys");
  if (std::filesystem::exists(absl::StrCat(Absolute(flags.dir), "/piivaultd.yaml"))) {
    return absl::FailedPreconditionError(absl::StrCat("there is a vault in ", flags.dir));
  }
  for (const std::string& file :
       {flags.certificate, flags.key, flags.client_ca, flags.recipient_ca}) {
    if (file.empty()) continue;
    if (absl::Status readable = ReadFile(file, kMaxPem).status(); !readable.ok()) return readable;
  }
  absl::Status status = MakePrivateDirectory(keys);
  if (!status.ok()) return status;
  std::array<uint8_t, 32> bytes{};
  vault::SystemRandom().Fill(absl::MakeSpan(bytes));
  std::string passphrase =
      vault::ToHex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  vault::Wipe(absl::MakeSpan(bytes));
  status = WriteNewFile(absl::StrCat(keys, "/passphrase"), passphrase, 0600);
  vault::Wipe(&passphrase);
  if (!status.ok()) return status;
  const std::string path = absl::StrCat(Absolute(flags.dir), "/piivaultd.yaml");
  status = WriteNewFile(path, ConfigYaml(flags), 0600);
  if (!status.ok()) return status;
  return path;
}

// `NAME=IDENTITY` or `NAME=@CERTIFICATE`; the person has the principal's id.
absl::StatusOr<vault::FirstAdministrator> ParseAdministrator(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return absl::InvalidArgumentError("--admin takes NAME=IDENTITY or NAME=@CERTIFICATE");
  }
  vault::FirstAdministrator administrator;
  administrator.principal = text.substr(0, equals);
  administrator.person = administrator.principal;
  administrator.display_name = administrator.principal;
  administrator.identity = text.substr(equals + 1);
  if (administrator.identity.front() == '@') {
    absl::StatusOr<std::string> identity = IdentityInFile(administrator.identity.substr(1));
    if (!identity.ok()) return identity.status();
    administrator.identity = *std::move(identity);
  }
  return administrator;
}

// Whoever the server would not take for a caller could administer nothing.
absl::Status CheckMayCall(const std::vector<vault::FirstAdministrator>& administrators,
                          const std::vector<std::string>& identities) {
  for (const vault::FirstAdministrator& administrator : administrators) {
    const bool may = std::any_of(identities.begin(), identities.end(), [&](const auto& pattern) {
      return vault::IdentityMatches(pattern, administrator.identity);
    });
    if (may) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(administrator.principal, ": ", administrator.identity,
                     " is none of the identities that the client authorities may name"));
  }
  return absl::OkStatus();
}

std::vector<std::string> ClientIdentities(const Config& config) {
  std::vector<std::string> identities;
  for (const auto& root : config.tls.client_roots) {
    if (root.recipients) continue;
    identities.insert(identities.end(), root.identities.begin(), root.identities.end());
  }
  return identities;
}

void PrintMade(Session& session, const std::string& config_path, const InitFlags& flags,
               const vault::SecretBytes& recovery_key) {
  if (flags.single_operator) {
    session.err() << "WARNING: single operator. One person alone grants roles, activates policies "
                     "and destroys keys\nin this vault; nobody checks on that person, and every "
                     "such act says so in the log.\n";
  }
  session.out() << "config: " << config_path << "\nadministrators: " << flags.administrators.size()
                << "\nrecovery key: ";
  session.out().write(recovery_key.view().data(),
                      static_cast<std::streamsize>(recovery_key.size()));
  session.out() << "\n" << std::flush;
  session.err() << "Write the recovery key down and lock it away: it opens the keyring when all "
                   "else is lost,\nand it is not shown again.\nStart the vault with: piivaultd "
                   "--config "
                << config_path << "\n";
}

absl::StatusOr<int> Init(Session& session, const InitFlags& flags) {
  vault::InitializeOptions options;
  options.single_operator = flags.single_operator;
  for (const std::string& text : flags.administrators) {
    absl::StatusOr<vault::FirstAdministrator> administrator = ParseAdministrator(text);
    if (!administrator.ok()) return administrator.status();
    options.administrators.push_back(*std::move(administrator));
  }
  if (!flags.single_operator && options.administrators.size() < 2) {
    return absl::InvalidArgumentError(
        "a vault needs two administrators who are two persons; --single-operator does without");
  }
  std::string path = flags.config;
  if (path.empty()) {
    absl::Status status = CheckMayCall(options.administrators, flags.client_identities);
    if (!status.ok()) return status;
    absl::StatusOr<std::string> written = WriteConfig(flags);
    if (!written.ok()) return written.status();
    path = *std::move(written);
  }
  absl::StatusOr<Config> config = LoadConfig(path);
  if (!config.ok()) return config.status();
  if (absl::Status status = CheckMayCall(options.administrators, ClientIdentities(*config));
      !status.ok()) {
    return status;
  }
  absl::StatusOr<vault::SecretBytes> recovery_key =
      InitializeVaultAt(*config, options, session.now());
  if (!recovery_key.ok()) return recovery_key.status();
  PrintMade(session, path, flags, *recovery_key);
  return kExitOk;
}

}  // namespace

void AddInitCommand(CLI::App& root, Session& session) {
  auto flags = std::make_shared<InitFlags>();
  CLI::App* command = AddCommand(
      root, "init", "Makes a new vault on this machine: keyring, database, administrators", session,
      [flags](Session& s) { return Init(s, *flags); });
  // `--config` is the program's own flag for contexts.
  CLI::Option* config = command->add_option("--server-config", flags->config,
                                            "Configuration of piivaultd that exists already");
  CLI::Option* dir = command->add_option(
      "--dir", flags->dir, "Or: folder to make, with a configuration and all it names");
  config->excludes(dir);
  command->add_option("--listen", flags->address, "Where it listens")->capture_default_str();
  command->add_option("--metrics", flags->metrics, "Where it serves metrics")
      ->capture_default_str();
  command->add_option("--server-cert", flags->certificate, "The server's certificate, PEM");
  command->add_option("--server-key", flags->key, "The server's key, PEM");
  command->add_option("--client-ca", flags->client_ca, "Authority whose certificates may call");
  command->add_option("--client-identities", flags->client_identities,
                      "Identities it may name, e.g. spiffe://vault.example/*");
  command->add_option("--recipient-ca", flags->recipient_ca,
                      "Authority of recipients outside: another one, which names nobody else");
  command->add_option("--recipient-identities", flags->recipient_identities,
                      "Identities it may name, e.g. spiffe://partners.example/*");
  command
      ->add_option("--admin", flags->administrators,
                   "NAME=IDENTITY or NAME=@CERTIFICATE; two of them, two persons")
      ->required();
  command->add_flag("--single-operator", flags->single_operator,
                    "One administrator alone may do what otherwise takes two");
}

}  // namespace piivault::ops
