#ifndef PIIVAULT_VAULT_LEDGER_CORRECTIONS_H_
#define PIIVAULT_VAULT_LEDGER_CORRECTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "authz/policy.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/ledger/export_rows.h"
#include "vault/records/change_set.h"
#include "vault/records/tenant_scope.h"

namespace piivault::vault {

// Plans what follows from a write for those who hold what it changes: which of what they hold is
// outdated, and a notice to each recipient, where the policy promises that past recipients are
// told.
//
// Guarantees: in the same batch as the write, so that none is forgotten; one notice for each
// recipient and write, with all fields. Notices hold no values and no id of the person but the
// recipient's own handle. Borrows all; made for one message. Thread-compatible.
class Corrections {
 public:
  Corrections(const storage::Engine& engine, const TenantScope& tenant, RandomSource& random,
              const authz::Policy& policy, absl::Time now, ChangeSet* changes)
      : engine_(engine),
        tenant_(tenant),
        random_(random),
        policy_(policy),
        now_(now),
        changes_(*changes) {}

  // What a write has changed of one record.
  struct Change {
    std::string_view record_ref;
    // The record's new version; 0 where it is gone.
    uint64_t version = 0;
    // Whether the field (`type.field`) that was given at `held_version` has another value now, or
    // none: asked only where somebody holds it.
    absl::FunctionRef<absl::StatusOr<bool>(std::string_view field, uint64_t held_version)> changed;
    // Whether it has none.
    absl::FunctionRef<bool(std::string_view field)> withdrawn;
  };
  // For each write of a record of the person.
  [[nodiscard]] absl::Status Record(const storage::Id128& subject_ref, const Change& change);
  // All that is held of the person is withdrawn.
  [[nodiscard]] absl::Status Erase(const storage::Id128& subject_ref) {
    return Withdraw(subject_ref, [](std::string_view, std::string_view) { return true; });
  }
  // For several records of the person at once: what is held of those fields (`type.field`) that are
  // gone is withdrawn.
  [[nodiscard]] absl::Status Withdraw(
      const storage::Id128& subject_ref,
      absl::FunctionRef<bool(std::string_view record_ref, std::string_view field)> gone);

 private:
  struct Holder;
  [[nodiscard]] absl::StatusOr<std::vector<Holder>> Holders(const storage::Id128& subject_ref,
                                                            bool skip_damaged);
  // How long recipients have to answer where the policy promises that they are told of the field.
  std::optional<absl::Duration> NoticeTime(std::string_view field) const;
  void Notify(const Holder& holder, const std::vector<size_t>& held, uint64_t version,
              bool withdrawn);
  storage::Id128 NoticeId(int64_t micros);
  void Store(Holder* holder);

  const storage::Engine& engine_;
  const TenantScope& tenant_;
  RandomSource& random_;
  const authz::Policy& policy_;
  const absl::Time now_;
  ChangeSet& changes_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_LEDGER_CORRECTIONS_H_
