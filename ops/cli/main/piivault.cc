#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "ops/cli/cli.h"

int main(int argc, char** argv) {
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
