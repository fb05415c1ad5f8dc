#ifndef PIIVAULT_OPS_CLI_CLI_H_
#define PIIVAULT_OPS_CLI_CLI_H_

#include "ops/cli/session.h"

namespace piivault::ops {

// Runs one command line of `piivault` and returns its exit code (ops/cli/exit_code.h).
int RunCli(int argc, const char* const* argv, Surroundings surroundings);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_CLI_H_
