#include "vault/service/credential_service.h"

#include <string>

#include "vault/service/credential_handlers.h"

namespace piivault::vault {

absl::Status RegisterCredentialService(const VaultDependencies& dependencies,
                                       MethodTable* methods) {
  using Make = std::unique_ptr<Handler> (*)(const VaultDependencies&);
  struct Entry {
    const char* method;
    Make make;
    bool hashes;
  };
  static constexpr Entry kEntries[] = {
      {"SetCredential", NewSetCredential, true},
      {"VerifyCredential", NewVerifyCredential, true},
      {"RevokeCredential", NewRevokeCredential, false},
  };
  for (const Entry& entry : kEntries) {
    const Make make = entry.make;
    absl::Status status = methods->Register(
        std::string("piivault.v1.CredentialService/") + entry.method,
        [make, &dependencies] { return make(dependencies); }, entry.hashes);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
