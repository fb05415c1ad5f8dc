// VerifyCredential.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "authz/credential_rule.h"
#include "piivault/v1/credential_service.pb.h"
#include "vault/records/credential_failures.h"
#include "vault/service/admin_convert.h"
#include "vault/service/credential_call.h"
#include "vault/service/credential_handlers.h"
#include "vault/values/credential_text.h"

namespace piivault::vault {
namespace {

using authz::Reason;

constexpr std::string_view kVerified = "verified";
constexpr std::string_view kFailed = "failed";
constexpr std::string_view kLocked = "locked";
constexpr std::string_view kMustChange = "must_change";

// The trial of one value: hashed once for each credential that it is held against, however often
// the call is decided.
//
// So that two trials at a time count as two, whoever commits second decides again, with the hash at
// hand. Right or wrong, a trial writes the person's row, so that each ends in the same ways. Where
// there is no credential the value is hashed all the same, against nothing: nobody tells from the
// time that it takes.
class VerifyCredentialHandler : public Handler {
 public:
  explicit VerifyCredentialHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::VerifyCredentialRequest>(context);
    VaultCall call(context, deps_);
    CredentialTarget target;
    if (auto refused = FindCredential(
            call, {authz::Verb::kVerify, request.name(), request.field(), &request.usage()},
            &target)) {
      return *std::move(refused);
    }
    if (request.value().size() > MaxBytes(*target.field)) {
      return call.Refuse(Reason::kValueTooLarge, {target.field->full_name});
    }
    auto* response = NewResponse<v1::VerifyCredentialResponse>(context);
    const absl::Time locked =
        LockedUntil(target.use(), target.record_id(), target.field->name, *target.rule, call.now());
    if (locked != absl::InfinitePast()) {
      FillTime(absl::ToUnixMicros(locked), response->mutable_retry_time());
      call.AddFields(target.decision, call.AddItem(target.record.get()));
      return Finish(call, kLocked, response);
    }
    absl::StatusOr<std::optional<Credential>> stored =
        ReadCredential(target.field->name, target.record.get());
    if (!stored.ok()) return call.Refuse(stored.status());
    if (!stored->has_value()) *stored = Nothing();
    if (!Hashed(**stored)) return Hash(request.value(), **stored);
    if (hashing_->hash.empty()) return call.Refuse(Reason::kDataLoss);
    return Judge(call, **stored, &target, response);
  }

  void Committed(const storage::LogPosition*) override {
    if (deps_.credential_tried && !outcome_.empty()) deps_.credential_tried(outcome_);
  }

 private:
  struct Hashing {
    SecretBytes value;
    std::string salt;
    ScryptParameters cost;
    SecretBytes hash;  // empty until it is there
  };

  static size_t MaxBytes(const authz::FieldSpec& field) {
    return field.max_bytes != 0 ? field.max_bytes
                                : authz::GetSemanticType(field.semantic).default_max_bytes;
  }

  // What no value is: it takes as long to say so as of a credential.
  Credential Nothing() {
    if (nothing_salt_.empty()) {
      nothing_salt_.resize(kCredentialSaltSize);
      deps_.random.Fill({reinterpret_cast<uint8_t*>(nothing_salt_.data()), kCredentialSaltSize});
    }
    Credential nothing;
    nothing.salt = nothing_salt_;
    nothing.cost = deps_.credential_cost;
    nothing.hash = SecretBytes(kCredentialHashSize);
    nothing.holds_until = absl::InfinitePast();
    return nothing;
  }

  bool Hashed(const Credential& credential) const {
    return hashing_ != nullptr && hashing_->salt == credential.salt &&
           hashing_->cost.n == credential.cost.n && hashing_->cost.r == credential.cost.r &&
           hashing_->cost.p == credential.cost.p;
  }

  Plan Hash(std::string_view value, const Credential& credential) {
    hashing_ = std::make_shared<Hashing>();
    // What cannot be one is hashed as it is, and is not that of any credential.
    absl::StatusOr<SecretBytes> prepared = PrepareCredential(value);
    hashing_->value = prepared.ok() ? *std::move(prepared) : SecretBytes::CopyOf(value);
    hashing_->salt = credential.salt;
    hashing_->cost = credential.cost;
    Plan plan;
    plan.work = [hashing = hashing_] {
      absl::StatusOr<SecretBytes> hash =
          Scrypt(hashing->value.view(), hashing->salt, hashing->cost, kCredentialHashSize);
      if (hash.ok()) hashing->hash = *std::move(hash);
      hashing->value = SecretBytes();
    };
    return plan;
  }

  Plan Judge(VaultCall& call, const Credential& credential, CredentialTarget* target,
             v1::VerifyCredentialResponse* response) {
    const bool same = hashing_->hash == credential.hash;
    const bool right = same && call.now() <= credential.holds_until;
    const std::string& field = target->field->name;
    RecordWriter writer(call.writer_deps(), call.scope(), call.policy(), call.now(),
                        &call.changes());
    std::string_view outcome = kFailed;
    // A right one writes too, also where nothing was counted: how a commit ends that is given up
    // depends on whether it writes, and would tell.
    storage::v1::SubjectUse& use = writer.ChangeUse(*target->record);
    if (!right) {
      CountFailure(target->record_id(), field, *target->rule, call.now(), &use);
      const absl::Time locked =
          LockedUntil(use, target->record_id(), field, *target->rule, call.now());
      if (locked != absl::InfinitePast()) {
        FillTime(absl::ToUnixMicros(locked), response->mutable_retry_time());
      }
    } else {
      ForgetFailures(target->record_id(), field, &use);
    }
    bool used_up = false;
    if (right) {
      const bool fresh = call.now() <= authz::CredentialHoldsUntil(*target->rule, credential.set_at,
                                                                   call.policy().timezone());
      outcome = fresh ? kVerified : kMustChange;
      response->set_verified(fresh);
      response->set_must_change(!fresh);
      used_up = fresh && target->rule->one_time;
    }
    if (used_up) {
      if (auto refused = ClearCredential(call, &writer, target)) return *std::move(refused);
    } else {
      call.AddFields(target->decision, call.AddItem(target->record.get()));
    }
    writer.Finish();
    return Finish(call, outcome, response);
  }

  Plan Finish(VaultCall& call, std::string_view outcome, v1::VerifyCredentialResponse* response) {
    call.entry().set_outcome(std::string(outcome));
    Plan plan = call.Finish(response);
    outcome_ = plan.reason == Reason::kOk ? outcome : std::string_view();
    return plan;
  }

  const VaultDependencies& deps_;
  std::shared_ptr<Hashing> hashing_;  // with the work, which may outlive the call
  std::string nothing_salt_;
  std::string_view outcome_;  // of the last plan; a literal
};

}  // namespace

std::unique_ptr<Handler> NewVerifyCredential(const VaultDependencies& dependencies) {
  return std::make_unique<VerifyCredentialHandler>(dependencies);
}

}  // namespace piivault::vault
