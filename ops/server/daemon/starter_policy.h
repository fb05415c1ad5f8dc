#ifndef PIIVAULT_OPS_SERVER_DAEMON_STARTER_POLICY_H_
#define PIIVAULT_OPS_SERVER_DAEMON_STARTER_POLICY_H_

namespace piivault::ops {

// ops/policies/starter.yaml, compiled in.
extern const char kStarterPolicy[];

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_SERVER_DAEMON_STARTER_POLICY_H_
