#include "vault/service/vault_service.h"

#include <string>

#include "vault/service/vault_handlers.h"

namespace piivault::vault {

absl::Status RegisterVaultService(const VaultDependencies& dependencies, MethodTable* methods) {
  using Make = std::unique_ptr<Handler> (*)(const VaultDependencies&);
  struct Entry {
    const char* method;
    Make make;
  };
  static constexpr Entry kEntries[] = {
      {"CreateRecord", NewCreateRecord},
      {"BatchCreateRecords", NewBatchCreateRecords},
      {"UpsertRecord", NewUpsertRecord},
      {"UpdateRecord", NewUpdateRecord},
      {"GetRecord", NewGetRecord},
      {"ListRecords", NewListRecords},
      {"LookupRecord", NewLookupRecord},
      {"SearchRecords", NewSearchRecords},
      {"RevealRecord", NewRevealRecord},
      {"RevealRecordHistory", NewRevealRecordHistory},
      {"CountRecords", NewCountRecords},
      {"BatchRevealRecords", NewBatchRevealRecords},
      {"StreamRevealRecords", NewStreamRevealRecords},
      {"Detokenize", NewDetokenize},
      {"Tokenize", NewTokenize},
      {"DownloadRecords", NewDownloadRecords},
      {"DeleteRecord", NewDeleteRecord},
      {"GetSubject", NewGetSubject},
      {"DeleteSubject", NewDeleteSubject},
  };
  for (const Entry& entry : kEntries) {
    const Make make = entry.make;
    absl::Status status = methods->Register(std::string("piivault.v1.VaultService/") + entry.method,
                                            [make, &dependencies] { return make(dependencies); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
