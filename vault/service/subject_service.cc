#include "vault/service/subject_service.h"

#include <string>

#include "vault/service/subject_handlers.h"

namespace piivault::vault {

absl::Status RegisterSubjectService(const VaultDependencies& dependencies, MethodTable* methods) {
  using Make = std::unique_ptr<Handler> (*)(const VaultDependencies&);
  struct Entry {
    const char* method;
    Make make;
  };
  static constexpr Entry kEntries[] = {
      {"RecordConsent", NewRecordConsent}, {"WithdrawConsent", NewWithdrawConsent},
      {"ListConsents", NewListConsents},   {"StopUse", NewStopUse},
      {"ResumeUse", NewResumeUse},         {"Unsubscribe", NewUnsubscribe},
      {"UpdateSubject", NewUpdateSubject}, {"OpenMatter", NewOpenMatter},
      {"UpdateMatter", NewUpdateMatter},   {"ListMatters", NewListMatters},
  };
  for (const Entry& entry : kEntries) {
    const Make make = entry.make;
    absl::Status status =
        methods->Register(std::string("piivault.v1.SubjectService/") + entry.method,
                          [make, &dependencies] { return make(dependencies); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
