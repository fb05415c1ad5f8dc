#ifndef PIIVAULT_VAULT_SERVICE_SHARING_PACKAGE_H_
#define PIIVAULT_VAULT_SERVICE_SHARING_PACKAGE_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "vault/ledger/disclosure_ledger.h"
#include "vault/service/sharing_ask.h"

// What a redemption gives, as the bytes of RedeemExportTokenResponse. Nothing but sharing_*.cc
// includes this.
namespace piivault::vault {

// What the data is for and by which terms.
void AddPurposeTag(const VaultCall& call, const RecipientState& recipient,
                   const authz::ShareDecision& decision, const storage::v1::ExportTokenRow& row,
                   const DisclosureState& disclosure, WireWriter* out);

// Adds the record's values of the fields asked for to the message of its person, their names within
// the type to `names`; false, and nothing added, where it has none.
[[nodiscard]] absl::StatusOr<bool> ReleaseRecord(const VaultCall& call, const ExportAsk& ask,
                                                 LoadedRecord* record,
                                                 std::vector<std::string_view>* names,
                                                 WireWriter* out);

// What goes with the data to a successor, whom it binds, too.
void AddWhatBinds(const VaultCall& call, const ExportPerson& person,
                  absl::Span<const GivenRecord> given, WireWriter* out);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SHARING_PACKAGE_H_
