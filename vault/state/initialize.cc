#include "vault/state/initialize.h"

#include <memory>
#include <set>
#include <utility>

#include "authz/principal.h"
#include "piivault/storage/v1/entry.pb.h"
#include "piivault/storage/v1/state.pb.h"
#include "storage/commit_and_wait.h"
#include "vault/audit/entry_builder.h"
#include "vault/keys/epoch_keys.h"
#include "vault/keys/sealed_row.h"
#include "vault/state/resource_id.h"
#include "vault/state/vault_keys.h"

namespace piivault::vault {
namespace {

using storage::StateKey;
using storage::StateKind;

// A row's first version.
constexpr uint64_t kFirst = 1;
// The epoch that Keyring::Create() makes.
constexpr uint32_t kFirstEpoch = 1;

absl::Status Check(const InitializeOptions& options) {
  const size_t count = options.administrators.size();
  if (options.single_operator ? count != 1 : count < 2) {
    return absl::InvalidArgumentError(
        "a vault needs two administrators, or one who is its single operator");
  }
  std::set<std::string> principals, persons, identities;
  for (const FirstAdministrator& administrator : options.administrators) {
    if (!IsResourceId(administrator.principal) || !IsResourceId(administrator.person)) {
      return absl::InvalidArgumentError(
          "ids are lower-case letters, digits and '-', 1 to 40 characters");
    }
    if (!IsIdentityUri(administrator.identity)) {
      return absl::InvalidArgumentError("a certificate identity is spiffe://... or dns:...");
    }
    if (!principals.insert(administrator.principal).second ||
        !persons.insert(administrator.person).second ||
        !identities.insert(administrator.identity).second) {
      return absl::InvalidArgumentError(
          "administrators are different persons with certificates of their own");
    }
  }
  return absl::OkStatus();
}

// The commit's rows, all new.
class FirstRows {
 public:
  FirstRows(const KeySnapshot& keys, RandomSource& random, storage::Commit& commit)
      : keys_(keys), random_(random), commit_(commit) {}

  template <typename Row>
  void Put(StateKind kind, std::string_view name, const Row& row) {
    storage::Key key = StateKey(kind, name);
    commit_.reads.push_back(storage::CellFingerprint(key));
    std::string value = SealRow(keys_, random_, key, kFirst, row);
    commit_.writes.push_back({std::move(key), std::move(value)});
  }

 private:
  const KeySnapshot& keys_;
  RandomSource& random_;
  storage::Commit& commit_;
};

void PutAdministrator(const FirstAdministrator& from, FirstRows* rows) {
  storage::v1::PersonRow person;
  person.set_name(from.person);
  person.set_display_name(from.display_name);
  person.set_employment(from.employment);
  rows->Put(StateKind::kPerson, person.name(), person);

  storage::v1::PrincipalRow principal;
  principal.set_name(from.principal);
  principal.set_kind(1);  // piivault.v1.PRINCIPAL_KIND_STAFF
  principal.set_person(from.person);
  principal.add_identities()->set_uri(from.identity);
  const std::string_view role = authz::SystemRoleName(authz::SystemRole::kVaultAdmin);
  principal.add_bindings()->set_role(role.data(), role.size());
  rows->Put(StateKind::kPrincipal, principal.name(), principal);
}

storage::EntryDraft FirstEntry(const InitializeOptions& options, absl::Time now,
                               RandomSource& random) {
  EntryHeader header;
  header.time = now;
  header.method = "init";
  storage::v1::EntryBody entry = NewEntryBody(header, authz::Reason::kOk);
  entry.set_resource("vault");
  entry.set_single_operator(options.single_operator);
  return DraftEntry(entry, random);
}

}  // namespace

absl::Status InitializeVault(storage::Engine& engine, const Keyring& keyring,
                             const InitializeOptions& options, absl::Time now,
                             RandomSource& random) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  auto commit = std::make_unique<storage::Commit>();
  commit->as_of = engine.AppliedSequence();
  // Rests on nothing that could have changed meanwhile, and making a keyring takes its time.
  commit->decided_at = absl::InfiniteFuture();
  const storage::Key vault_key = StateKey(StateKind::kVault, "vault");
  if (auto there = engine.Get(vault_key); there.ok()) {
    return absl::AlreadyExistsError("the database holds a vault already");
  } else if (!absl::IsNotFound(there.status())) {
    return there.status();
  }
  auto hierarchy = KeyHierarchy::FromKeyring(keyring, kFirstEpoch);
  if (!hierarchy.ok()) return hierarchy.status();
  const std::shared_ptr<const KeySnapshot> keys = (*hierarchy)->Current();
  FirstRows rows(*keys, random, *commit);

  storage::v1::VaultRow vault;
  vault.set_vault_id(std::string(keys->vault_id().view()));
  vault.set_single_operator(options.single_operator);
  vault.set_create_time_micros(absl::ToUnixMicros(now));
  rows.Put(StateKind::kVault, "vault", vault);
  rows.Put(StateKind::kEpoch, "keyring", DescribeKeyring(keyring, kFirstEpoch));

  storage::v1::TenantRow tenant;
  tenant.set_id(random.UInt64());
  tenant.set_name("default");
  tenant.set_create_time_micros(absl::ToUnixMicros(now));
  rows.Put(StateKind::kTenant, tenant.name(), tenant);
  auto tenant_key = (*hierarchy)->MakeTenantKey(tenant.id(), kFirstEpoch, random);
  if (!tenant_key.ok()) return tenant_key.status();
  commit->writes.push_back({storage::TenantKeyKey(tenant.id(), kFirstEpoch), tenant_key->row});

  for (const FirstAdministrator& administrator : options.administrators) {
    PutAdministrator(administrator, &rows);
  }
  commit->entry = FirstEntry(options, now, random);
  return storage::CommitOrError(engine, std::move(commit)).status();
}

}  // namespace piivault::vault
