#ifndef PIIVAULT_VAULT_LEDGER_DISCLOSURE_LEDGER_H_
#define PIIVAULT_VAULT_LEDGER_DISCLOSURE_LEDGER_H_

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "piivault/storage/v1/export.pb.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/ledger/export_people.h"
#include "vault/ledger/export_rows.h"
#include "vault/records/change_set.h"
#include "vault/records/tenant_scope.h"

namespace piivault::vault {

// What of one record is given.
struct GivenRecord {
  const LoadedRecord* record = nullptr;
  std::vector<std::string_view> fields;  // names within the type; at least one
  std::string_view consent;              // id; empty for none
};

// Plans the ledger's rows of one message of a redemption: who was given what, and what the
// recipient holds from now on.
//
// Guarantees: what a message gives is in the rows that go into its own commit. Giving the same
// again (a message that did not arrive) counts nobody twice and leaves the last version that was
// given. Does not: write the disclosure's own row. Ownership: borrows all; made for one message.
// Thread-compatible.
class DisclosureLedger {
 public:
  struct To {
    std::string_view recipient;  // without `tenants/{tenant}/recipients/`
    storage::Id128 ref;
  };
  DisclosureLedger(const storage::Engine& engine, const TenantScope& tenant, RandomSource& random,
                   absl::Time now, const To& to, const DisclosureState& disclosure,
                   ChangeSet* changes)
      : engine_(engine),
        tenant_(tenant),
        random_(random),
        now_(now),
        to_(to),
        disclosure_(disclosure),
        changes_(*changes) {}

  // Loads what the ledger has of these people and this disclosure. Before Give() of any of them.
  [[nodiscard]] absl::Status Load(absl::Span<const ExportPerson> people);
  // REQUIRES: `person` is ok() and was loaded; `given` is not empty and of its records.
  // Returns the recipient's handle for the person; valid until Finish().
  std::string_view Give(const ExportPerson& person, absl::Span<const GivenRecord> given);
  // How many people were given for the first time in this disclosure.
  uint32_t new_people() const { return new_people_; }
  // Puts the rows. Last.
  void Finish();

 private:
  struct Staged {
    storage::v1::DisclosedRow disclosed;
    storage::v1::HoldingRow holding;
    std::unordered_map<std::string, int> places;  // in `holding`, by record and field
    bool given = false;

    // What is held of the record's field, to be changed.
    storage::v1::HoldingRow::Held& HeldOf(std::string_view record_ref, const std::string& field);
  };

  const storage::Engine& engine_;
  const TenantScope& tenant_;
  RandomSource& random_;
  const absl::Time now_;
  const To to_;
  const DisclosureState& disclosure_;
  ChangeSet& changes_;
  std::map<storage::Id128, Staged> people_;  // by subject_ref
  uint32_t new_people_ = 0;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_LEDGER_DISCLOSURE_LEDGER_H_
