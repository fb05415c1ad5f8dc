// piivaultd: the server.

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>

#include "absl/synchronization/mutex.h"
#include "ops/server/config.h"
#include "ops/server/daemon/dev_vault.h"
#include "ops/server/logging.h"
#include "ops/server/process.h"
#include "ops/server/vault_server.h"
#include "vault/service/rpc_log.h"
#include "vault/service/tls.h"

namespace piivault::ops {
namespace {

// Exit codes, as `--help` says them.
constexpr int kOk = 0;
constexpr int kFailed = 1;
constexpr int kBadConfiguration = 2;

struct Flags {
  std::string config;
  bool check = false;
  bool dev = false;
  std::string dev_directory;
  std::string dev_address = "127.0.0.1:0";
  std::string dev_metrics = "127.0.0.1:0";
};

int Fail(int code, std::string_view what, const absl::Status& status) {
  Log(LogLevel::kError, what, {{"error", std::string(status.message())}});
  return code;
}

// What gRPC and protobuf say: into the one log, as what it is. Handshakes of strangers fail
// all the time: that is no error of ours.
void LogRpc(vault::RpcLogSeverity severity, std::string_view text) {
  const bool error = severity == vault::RpcLogSeverity::kError;
  Log(error ? LogLevel::kInfo : LogLevel::kDebug, "rpc library", {{"text", std::string(text)}});
}

// Until SIGTERM or SIGINT.
void WaitForEnd(SignalQueue& signals, VaultServer& server, const std::string& config_path) {
  while (true) {
    const int number = signals.Wait(absl::Hours(1));
    if (number == SIGTERM || number == SIGINT) return;
    if (number != SIGHUP) continue;
    if (config_path.empty()) continue;
    const absl::StatusOr<Config> config = LoadConfig(config_path);
    absl::Status status = config.status();
    if (status.ok()) {
      SetLogLevel(config->log.level);
      status = server.Reload(*config);
    }
    if (status.ok()) {
      Log(LogLevel::kInfo, "reloaded");
    } else {
      Log(LogLevel::kError, "not reloaded, all stays as it was",
          {{"error", std::string(status.message())}});
    }
  }
}

int Serve(const Flags& flags, SignalQueue& signals) {
  const absl::StatusOr<Config> config = LoadConfig(flags.config);
  if (!config.ok()) {
    std::cerr << config.status().message() << "\n";
    return kBadConfiguration;
  }
  if (flags.check) {
    std::cout << flags.config << ": good\n";
    return kOk;
  }
  SetUpLogging(config->log.level, config->log.format);
  if (absl::Status s = HardenProcess(); !s.ok()) return Fail(kFailed, "not started", s);
  auto server = VaultServer::Start(*config);
  if (!server.ok()) return Fail(kFailed, "not started", server.status());
  Log(LogLevel::kInfo, "serving",
      {{"port", std::to_string((*server)->port())},
       {"metrics_port", std::to_string((*server)->metrics_port())},
       {"version", kVersion}});
  WaitForEnd(signals, **server, flags.config);
  Log(LogLevel::kInfo, "stopping");
  (*server)->Stop();
  return kOk;
}

int ServeDev(const Flags& flags, SignalQueue& signals) {
  SetUpLogging("warn", "text");
  if (absl::Status s = HardenProcess(); !s.ok()) return Fail(kFailed, "not started", s);
  std::string directory = flags.dev_directory;
  const bool temporary = directory.empty();
  if (temporary) {
    std::string pattern = (std::filesystem::temp_directory_path() / "piivault-dev-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      return Fail(kFailed, "not started", absl::UnavailableError("no temporary directory"));
    }
    directory = pattern;
  }
  int code = kOk;
  {
    auto vault = DevVault::Start(directory, flags.dev_address, flags.dev_metrics);
    if (vault.ok()) {
      std::cout << (*vault)->Describe() << std::endl;
      WaitForEnd(signals, (*vault)->server(), "");
      (*vault)->server().Stop();
    } else {
      code = Fail(kFailed, "not started", vault.status());
    }
  }
  std::error_code ignored;
  if (temporary) std::filesystem::remove_all(directory, ignored);
  return code;
}

int Main(int argc, char** argv) {
  if (!OccupyStandardStreams().ok()) return kFailed;
  // Debian's Abseil looks for lock cycles at every acquisition, which is for its users' tests.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // First of all: threads inherit the mask, and OpenSSL's defaults are process-wide.
  SignalQueue signals;
  Flags flags;
  CLI::App app(
      "The vault for personal data.\n\n"
      "Exit codes: 0 ended as asked, 1 failed, 2 bad configuration or usage.\n"
      "SIGTERM ends it, SIGHUP reads certificates, state and log level again.");
  app.set_version_flag("--version", std::string("piivaultd ") + kVersion);
  auto* config =
      app.add_option("--config", flags.config, "Configuration file (ops/docs/config.md)");
  app.add_flag("--check", flags.check, "Read the configuration and stop")->needs(config);
  auto* dev =
      app.add_flag("--dev", flags.dev,
                   "A vault for development in a directory of its own, with a CA, the "
                   "starter policy and a credential for each kind of caller, which it prints "
                   "as one line of JSON");
  dev->excludes(config);
  app.add_option("--dev-directory", flags.dev_directory,
                 "New directory for --dev, which stays: its config.yaml serves the vault again; "
                 "default: a temporary one, which does not")
      ->needs(dev);
  app.add_option("--dev-address", flags.dev_address, "Address for --dev; port 0 is a free one")
      ->needs(dev);
  app.add_option("--dev-metrics", flags.dev_metrics, "Metrics address for --dev")->needs(dev);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kBadConfiguration;
  }
  if (flags.config.empty() && !flags.dev) {
    std::cerr << "--config FILE or --dev is required; --help says more\n";
    return kBadConfiguration;
  }
  if (absl::Status s = vault::RequireTls13(); !s.ok()) {
    std::cerr << s.message() << "\n";
    return kFailed;
  }
  vault::RouteRpcLogs(&LogRpc);
  return flags.dev ? ServeDev(flags, signals) : Serve(flags, signals);
}

}  // namespace
}  // namespace piivault::ops

int main(int argc, char** argv) { return piivault::ops::Main(argc, argv); }
