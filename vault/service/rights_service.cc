#include "vault/service/rights_service.h"

#include <string>

#include "vault/service/rights_handlers.h"

namespace piivault::vault {

absl::Status RegisterRightsService(const VaultDependencies& dependencies, MethodTable* methods) {
  using Make = std::unique_ptr<Handler> (*)(const VaultDependencies&);
  struct Entry {
    const char* method;
    Make make;
  };
  static constexpr Entry kEntries[] = {
      {"OpenRequest", NewOpenRequest},         {"ConfirmIdentity", NewConfirmIdentity},
      {"RefuseRequest", NewRefuseRequest},     {"CompleteRequest", NewCompleteRequest},
      {"WithdrawRequest", NewWithdrawRequest}, {"ListRequests", NewListSubjectRequests},
  };
  for (const Entry& entry : kEntries) {
    const Make make = entry.make;
    absl::Status status =
        methods->Register(std::string("piivault.v1.SubjectRightsService/") + entry.method,
                          [make, &dependencies] { return make(dependencies); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
