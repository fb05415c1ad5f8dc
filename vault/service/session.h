#ifndef PIIVAULT_VAULT_SERVICE_SESSION_H_
#define PIIVAULT_VAULT_SERVICE_SESSION_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "authz/decision.h"
#include "piivault/storage/v1/entry.pb.h"
#include "vault/crypto/random.h"
#include "vault/service/handler.h"
#include "vault/state/state_store.h"

namespace piivault::vault {

// One decision's view of caller and state: made anew for each Handler::Next(), because `as_of` and
// `now` are new each time.
//
//   Session session(context, store, random);
//   if (!session.identified()) return session.Refuse();
//   const TenantState* tenant = session.UseTenant(request.parent());
//   if (tenant == nullptr) return session.Refuse(authz::Reason::kTenantUnknown);
//   ... authz::Decide...(*tenant->policy_in_force(), {.principal = session.principal(), ...})
//   session.AddRead(cell) for each row that the decision rests on
//   EntryBody entry = session.NewEntry(); entry.add_items()...
//   Plan plan = session.Answer(response, retained, entry);  // reads are in it
//   plan.writes = ...
//
// Guarantees: every plan it makes has an entry. Plans that grant carry the cells of principal,
// person, denylist, and tenant (which covers the policy in force) in their read set (I10); plans
// that refuse have no read set, because a refusal is right at any time. Does not: decide what the
// caller may. Ownership: holds the snapshots; borrows context, store and random for as long as it
// lives. Not thread-safe.
class Session {
 public:
  // Identifies the caller, and tells the context who it is.
  Session(CallContext& context, const StateStore& store, RandomSource& random);

  // Whether the caller is a principal that may call at all.
  bool identified() const { return problem_ == authz::Reason::kOk; }
  // Why not: kCertificateInvalid (no identity, issuer not allowed, ended, the identity is not valid
  // now, or a recipient's by a root that is not for recipients and the other way round),
  // kCertificateDenylisted, kPrincipalUnknown, kPrincipalDisabled.
  authz::Reason problem() const { return problem_; }

  absl::Time now() const { return context_.now; }
  const StateSnapshot& state() const { return *state_; }
  const std::shared_ptr<const StateSnapshot>& shared_state() const { return state_; }
  const KeySnapshot& keys() const { return state_->keys(); }
  RandomSource& random() const { return random_; }
  CallContext& context() const { return context_; }

  // The caller; null while not identified. Valid as long as state() is held.
  const PrincipalState* caller() const { return caller_; }
  // For authz::DecisionInput.
  const authz::Principal* principal() const;
  const authz::Person* person() const;
  absl::Span<const authz::Attestation> attestations() const;
  // Name without `principals/`; empty while not identified.
  std::string_view principal_name() const;

  // Takes `tenants/{tenant}` for the tenant of this call: its policy stands in the entries and its
  // cell in the read set. Null for a name that is malformed or unknown; both look the same.
  const TenantState* UseTenant(std::string_view tenant_name);
  // The same by the bare id, as resource names have it.
  const TenantState* UseTenantId(std::string_view tenant_id);
  const TenantState* tenant() const { return tenant_; }

  // A cell that the decision rests on, for the read set.
  void AddRead(uint64_t cell) { reads_.push_back(cell); }
  absl::Span<const uint64_t> reads() const { return reads_; }

  // An entry's body with the header of this call.
  storage::v1::EntryBody NewEntry(authz::Reason reason = authz::Reason::kOk) const;

  // Refuses with an entry of its own. `resource` as EntryBody::resource.
  Plan Refuse() const { return Refuse(problem_); }
  Plan Refuse(authz::Reason reason, std::vector<std::string> fields = {},
              std::string_view resource = {}) const;
  // As errors.h tells the reason.
  Plan Refuse(const absl::Status& status, std::string_view resource = {}) const;
  // With an entry that the caller has filled in, reason included.
  Plan Refuse(authz::Reason reason, std::vector<std::string> fields,
              const storage::v1::EntryBody& entry) const;

  // Answers with an entry and all cells that were added. The caller adds writes.
  Plan Answer(google::protobuf::Message* response, const storage::v1::EntryBody& entry) const;
  Plan Answer(google::protobuf::Message* response, const storage::v1::EntryRetained& retained,
              const storage::v1::EntryBody& entry) const;
  Plan Answer(WireWriter response, const storage::v1::EntryBody& entry) const;

 private:
  authz::Reason Identify();

  CallContext& context_;
  RandomSource& random_;
  std::shared_ptr<const StateSnapshot> state_;
  const PrincipalState* caller_ = nullptr;
  const TenantState* tenant_ = nullptr;
  std::vector<uint64_t> reads_;
  authz::Reason problem_;  // last: Identify() fills the others
};

// Refuses calls that reach no handler, each with an entry of its own: an unknown caller is told so
// first, because who may not call learns nothing about methods. Borrows; thread-safe.
class SessionRefuser : public RequestRefuser {
 public:
  SessionRefuser(const StateStore& store, RandomSource& random) : store_(store), random_(random) {}
  Plan Refuse(CallContext& context, authz::Reason reason) override;
  authz::Reason Screen(CallContext& context) override;

 private:
  const StateStore& store_;
  RandomSource& random_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SESSION_H_
