#ifndef PIIVAULT_OPS_CLI_TLS13_H_
#define PIIVAULT_OPS_CLI_TLS13_H_

#include "absl/status/status.h"

namespace piivault::ops {

// Makes TLS 1.3 the least that this process speaks, whatever the system's configuration says: gRPC
// has no setting for it. To be called before the first connection; again does no harm.
absl::Status RequireTls13();

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_TLS13_H_
