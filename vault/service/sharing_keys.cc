// ListSigningKeys, RotateSigningKey.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "authz/decision.h"
#include "vault/service/admin_convert.h"
#include "vault/service/errors.h"
#include "vault/service/sharing_handlers.h"
#include "vault/service/sharing_issue.h"

namespace piivault::vault {
namespace {

using authz::SystemRole;

void FillKey(const SigningKey& key, v1::SigningKey* wire) {
  wire->set_kid(key.kid.ToText());
  wire->set_public_key_pem(key.public_key.ToPem());
  FillTime(absl::ToUnixMicros(key.created), wire->mutable_create_time());
  if (key.retired == absl::InfiniteFuture()) return;
  FillTime(absl::ToUnixMicros(key.retired + kMaxExportTokenLife), wire->mutable_expire_time());
}

// Whoever is let in at all: the keys are for all who have to do with tokens.
class ListSigningKeysHandler : public Handler {
 public:
  explicit ListSigningKeysHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    Session session(context, deps_.store, deps_.random);
    if (!session.identified()) return session.Refuse();
    auto* response = NewResponse<v1::ListSigningKeysResponse>(context);
    for (const SigningKey* key : session.state().signing_keys().Usable(session.now())) {
      FillKey(*key, response->add_keys());
    }
    return session.Answer(response, session.NewEntry());
  }

 private:
  const VaultDependencies& deps_;
};

class RotateSigningKeyHandler : public Handler {
 public:
  explicit RotateSigningKeyHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    Session session(context, deps_.store, deps_.random);
    if (!session.identified()) return session.Refuse();
    const authz::Reason reason = authz::DecideSystemRole(
        session.principal(), {SystemRole::kVaultAdmin, SystemRole::kVaultOperator}, session.now());
    if (reason != authz::Reason::kOk) return session.Refuse(reason);
    StateChange change = deps_.store.NewChange(session.shared_state());
    const absl::StatusOr<SigningKeys> keys =
        ReplaceSigningKey(session.state(), deps_.random, session.now(), &change);
    if (!keys.ok()) return session.Refuse(keys.status());
    auto* response = NewResponse<v1::RotateSigningKeyResponse>(context);
    FillKey(*keys->active(), response->mutable_key());
    storage::v1::EntryBody entry = session.NewEntry();
    (*entry.mutable_arguments())["signing_key"] = keys->active()->kid.ToText();
    Plan plan = session.Answer(response, entry);
    change.MoveTo(&plan);
    return plan;
  }

 private:
  const VaultDependencies& deps_;
};

}  // namespace

absl::StatusOr<SigningKeys> ReplaceSigningKey(const StateSnapshot& state, RandomSource& random,
                                              absl::Time now, StateChange* change) {
  std::vector<storage::v1::SigningKeyRow> changed = {NewSigningKey(random, now)};
  std::vector<storage::v1::SigningKeyRow> all = changed;
  for (const auto& [kid, before] : state.signing_key_rows()) {
    storage::v1::SigningKeyRow row = before.row;
    if (!row.seed().empty()) {
      RetireSigningKey(now, &row);
      changed.push_back(row);
    }
    all.push_back(std::move(row));
  }
  absl::StatusOr<SigningKeys> keys = SigningKeys::Create(all);
  if (keys.ok()) change->PutSigningKeys(changed);
  return keys;
}

absl::StatusOr<std::string> StartToken(VaultCall& call, ExportTokenState* token,
                                       StateChange* change) {
  storage::v1::ExportTokenRow& row = token->row;
  const absl::Time asked = absl::FromUnixMicros(row.not_before_micros());
  // Whole seconds, as tokens say them.
  const absl::Time start = absl::FromUnixSeconds(absl::ToUnixSeconds(std::max(call.now(), asked)));
  const absl::Time end =
      std::min(start + absl::Seconds(row.lifetime_seconds()),
               absl::FromUnixSeconds(absl::ToUnixSeconds(call.now() + authz::kMaxTokenLifetime)));
  row.set_start_micros(absl::ToUnixMicros(start));
  row.set_expire_micros(absl::ToUnixMicros(end));
  row.set_generation(call.deps().engine.LogEnd().generation);
  return SignToken(call, *token, change);
}

absl::StatusOr<std::string> TextOf(const VaultCall& call, const ExportTokenState& token,
                                   const SigningKey& key) {
  const std::string_view vault_id = call.session().state().vault_id();
  return SealExportToken(ClaimsOf(call.tenant_id(), vault_id, token), key, RefOf(vault_id));
}

absl::StatusOr<std::string> SignToken(VaultCall& call, const ExportTokenState& token,
                                      StateChange* change) {
  const StateSnapshot& state = call.session().state();
  call.session().AddRead(SigningKeysCell());
  const SigningKeys* keys = &state.signing_keys();
  std::optional<SigningKeys> made;
  if (keys->NeedsNewKey(call.now())) {
    absl::StatusOr<SigningKeys> next =
        ReplaceSigningKey(state, call.session().random(), call.now(), change);
    if (!next.ok()) return next.status();
    keys = &made.emplace(*std::move(next));
  }
  return TextOf(call, token, *keys->active());
}

std::unique_ptr<Handler> NewListSigningKeys(const VaultDependencies& dependencies) {
  return std::make_unique<ListSigningKeysHandler>(dependencies);
}
std::unique_ptr<Handler> NewRotateSigningKey(const VaultDependencies& dependencies) {
  return std::make_unique<RotateSigningKeyHandler>(dependencies);
}

}  // namespace piivault::vault
