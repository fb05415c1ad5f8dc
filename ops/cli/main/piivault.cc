#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "ops/cli/cli.h"
#include "ops/cli/exit_code.h"
#include "ops/server/process.h"
#include "vault/service/tls.h"

int main(int argc, char** argv) {
  if (!piivault::ops::OccupyStandardStreams().ok()) return piivault::ops::kExitError;
  if (const absl::Status status = piivault::vault::RequireTls13(); !status.ok()) {
    std::cerr << "error: " << status.message() << "\n";
    return piivault::ops::kExitError;
  }
  piivault::ops::Surroundings surroundings{
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .err_is_terminal = isatty(STDERR_FILENO) == 1,
      .environment = [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
      },
      .now = [] { return absl::Now(); },
  };
  return piivault::ops::RunCli(argc, argv, std::move(surroundings));
}
