// What the program's exit code tells a script. Interface: codes never change their meaning.
#ifndef PIIVAULT_OPS_CLI_EXIT_CODE_H_
#define PIIVAULT_OPS_CLI_EXIT_CODE_H_

namespace piivault::ops {

inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitPartial = 3;
inline constexpr int kExitNotFound = 4;
inline constexpr int kExitDenied = 5;
inline constexpr int kExitUnauthenticated = 6;
inline constexpr int kExitUnavailable = 7;

inline constexpr char kExitCodeHelp[] =
    "Exit codes: 0 done, 1 error, 2 wrong usage, 3 done in part, 4 not found, 5 denied,\n"
    "6 not authenticated, 7 not available (try again).";

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_EXIT_CODE_H_
