#include "vault/service/retention_service.h"

#include <string>

#include "vault/service/retention_handlers.h"

namespace piivault::vault {

absl::Status RegisterRetentionService(const VaultDependencies& dependencies, MethodTable* methods) {
  using Make = std::unique_ptr<Handler> (*)(const VaultDependencies&);
  struct Entry {
    const char* method;
    Make make;
  };
  static constexpr Entry kEntries[] = {
      {"GetRetention", NewGetRetention},           {"SelectDestruction", NewSelectDestruction},
      {"ListDestructions", NewListDestructions},   {"ApproveDestruction", NewApproveDestruction},
      {"RejectDestruction", NewRejectDestruction},
  };
  for (const Entry& entry : kEntries) {
    const Make make = entry.make;
    absl::Status status =
        methods->Register(std::string("piivault.v1.RetentionService/") + entry.method,
                          [make, &dependencies] { return make(dependencies); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
