#ifndef PIIVAULT_OPS_CLI_TENANTS_H_
#define PIIVAULT_OPS_CLI_TENANTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "ops/cli/session.h"
#include "piivault/v1/admin_service.pb.h"

namespace piivault::ops {

// A tenant by its resource name. NOT_FOUND; errors of the calls.
absl::StatusOr<v1::Tenant> FetchTenant(Session& session, const std::string& name);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_TENANTS_H_
