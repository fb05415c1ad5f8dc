// SetCredential, RevokeCredential.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "authz/credential_rule.h"
#include "piivault/v1/credential_service.pb.h"
#include "vault/records/credential_failures.h"
#include "vault/retention/retained_fields.h"
#include "vault/service/admin_convert.h"
#include "vault/service/credential_call.h"
#include "vault/service/credential_handlers.h"
#include "vault/service/vault_intake.h"
#include "vault/values/credential_text.h"

namespace piivault::vault {
namespace {

using authz::Reason;

class SetCredentialHandler : public Handler {
 public:
  explicit SetCredentialHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::SetCredentialRequest>(context);
    VaultCall call(context, deps_);
    CredentialTarget target;
    if (auto refused = FindCredential(call,
                                      {authz::Verb::kUpdate, request.name(), request.field(),
                                       &request.usage(), &request.provenance()},
                                      &target)) {
      return *std::move(refused);
    }
    SecretBytes value;
    if (auto refused = Check(call, request, target, &value)) return *std::move(refused);
    auto* response = NewResponse<v1::SetCredentialResponse>(context);
    const v1::SetCredentialRequest content = WithoutValue(request);
    if (auto refused = call.FindRequest(request.request_id(), response, &content)) {
      return *std::move(refused);
    }
    if (call.replayed()) {
      call.AddFields(target.decision, call.AddItem(target.record.get()));
      return call.Finish(response);
    }
    if (hashing_ == nullptr) return Hash(std::move(value));
    if (hashing_->hash.empty()) return call.Refuse(Reason::kInternal);
    return Store(call, request, &target, response);
  }

 private:
  // What is worked out apart from the vault's threads.
  struct Hashing {
    SecretBytes value;
    std::string salt;
    ScryptParameters cost;
    SecretBytes hash;  // empty until it is there
  };

  // What a request id stands for. Were the value part of it, a repetition with a guess would tell
  // whether the guess is right, and nobody would count it; and what is remembered would be a digest
  // to guess against.
  static v1::SetCredentialRequest WithoutValue(const v1::SetCredentialRequest& request) {
    v1::SetCredentialRequest content;
    content.set_name(request.name());
    content.set_field(request.field());
    *content.mutable_usage() = request.usage();
    if (request.has_expire_time()) *content.mutable_expire_time() = request.expire_time();
    if (request.has_provenance()) *content.mutable_provenance() = request.provenance();
    content.set_request_id(request.request_id());
    return content;
  }

  std::optional<Plan> Check(VaultCall& call, const v1::SetCredentialRequest& request,
                            const CredentialTarget& target, SecretBytes* value) const {
    const std::string& field = target.field->full_name;
    storage::v1::Provenance unused;
    const Reason provenance = CheckProvenance(call, request.provenance(), &unused);
    if (provenance != Reason::kOk) return call.Refuse(provenance);
    if (request.has_expire_time()) {
      const std::optional<int64_t> end = MicrosOf(request.expire_time());
      if (!end.has_value() || *end <= absl::ToUnixMicros(call.now())) {
        return call.Refuse(Reason::kMalformedRequest, {"expire_time"});
      }
    }
    const Reason taken = ReasonOfVerdict(deps_.rules.Validate(*target.field, request.value()));
    if (taken != Reason::kOk) return call.Refuse(taken, {field});
    absl::StatusOr<SecretBytes> prepared = PrepareCredential(request.value());
    if (!prepared.ok()) return call.Refuse(Reason::kValueInvalid, {field});
    const CredentialShape shape = ShapeOf(prepared->view());
    const authz::CredentialRule& rule = *target.rule;
    const bool strong = shape.characters >= rule.min_length &&
                        std::all_of(rule.classes.begin(), rule.classes.end(),
                                    [&shape](const std::string& one) { return shape.Has(one); });
    if (!strong) return call.Refuse(Reason::kCredentialWeak, {field});
    *value = *std::move(prepared);
    return std::nullopt;
  }

  Plan Hash(SecretBytes value) {
    hashing_ = std::make_shared<Hashing>();
    hashing_->value = std::move(value);
    hashing_->salt.resize(kCredentialSaltSize);
    deps_.random.Fill({reinterpret_cast<uint8_t*>(hashing_->salt.data()), kCredentialSaltSize});
    hashing_->cost = deps_.credential_cost;
    Plan plan;
    plan.work = [hashing = hashing_] {
      absl::StatusOr<SecretBytes> hash =
          Scrypt(hashing->value.view(), hashing->salt, hashing->cost, kCredentialHashSize);
      if (hash.ok()) hashing->hash = *std::move(hash);
      hashing->value = SecretBytes();
    };
    return plan;
  }

  Plan Store(VaultCall& call, const v1::SetCredentialRequest& request, CredentialTarget* target,
             v1::SetCredentialResponse* response) {
    Credential credential;
    credential.salt = hashing_->salt;
    credential.cost = hashing_->cost;
    credential.hash = hashing_->hash.Clone();
    credential.set_at = call.now();
    if (request.has_expire_time()) {
      credential.holds_until = absl::FromUnixMicros(*MicrosOf(request.expire_time()));
    }
    const SecretBytes bytes = SerializeCredential(credential);
    RecordChange change;
    FieldWrite write{target->field, bytes.view()};
    write.one_way = true;
    change.set.push_back(write);
    if (target->use().erase_micros() != 0) return call.Refuse(authz::Reason::kSubjectErased);
    // It clears nothing.
    static_cast<void>(ApplyHolds(call.policy(), *target->record, call.vouched(), &change));
    RecordWriter writer(call.writer_deps(), call.scope(), call.policy(), call.now(),
                        &call.changes());
    const absl::StatusOr<WriteResult> written = writer.Update(target->record.get(), change);
    if (!written.ok()) return call.Refuse(written.status());
    if (!written->ok()) return call.Refuse(written->reason);
    if (HasFailures(target->use(), target->record_id(), target->field->name)) {
      ForgetFailures(target->record_id(), target->field->name, &writer.ChangeUse(*target->record));
    }
    writer.Finish();
    call.AddFields(target->decision, call.AddItem(*written));

    const absl::Time until = std::min(
        credential.holds_until,
        authz::CredentialHoldsUntil(*target->rule, credential.set_at, call.policy().timezone()));
    FillTime(absl::ToUnixMicros(credential.set_at), response->mutable_set_time());
    if (until != absl::InfiniteFuture()) {
      FillTime(absl::ToUnixMicros(until), response->mutable_expire_time());
    }
    return call.Finish(response);
  }

  const VaultDependencies& deps_;
  std::shared_ptr<Hashing> hashing_;  // with the work, which may outlive the call
};

class RevokeCredentialHandler : public Handler {
 public:
  explicit RevokeCredentialHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::RevokeCredentialRequest>(context);
    VaultCall call(context, deps_);
    CredentialTarget target;
    CredentialQuery query{authz::Verb::kUpdate, request.name(), request.field(), &request.usage()};
    query.clears = true;
    if (auto refused = FindCredential(call, query, &target)) return *std::move(refused);
    RecordWriter writer(call.writer_deps(), call.scope(), call.policy(), call.now(),
                        &call.changes());
    // Failures stay counted: to revoke is not to let guesses begin anew.
    if (auto refused = ClearCredential(call, &writer, &target)) return *std::move(refused);
    writer.Finish();
    return call.Finish(NewResponse<v1::RevokeCredentialResponse>(context));
  }

 private:
  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewSetCredential(const VaultDependencies& dependencies) {
  return std::make_unique<SetCredentialHandler>(dependencies);
}
std::unique_ptr<Handler> NewRevokeCredential(const VaultDependencies& dependencies) {
  return std::make_unique<RevokeCredentialHandler>(dependencies);
}

}  // namespace piivault::vault
