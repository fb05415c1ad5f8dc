#include "authz/share_agreements.h"

#include <algorithm>

#include "authz/field_pattern.h"
#include "authz/instant.h"
#include "authz/policy_change.h"

namespace piivault::authz {
namespace {

class Search {
 public:
  explicit Search(const AgreementQuestion& asked)
      : asked_(asked),
        policy_(asked.policy),
        binds_(asked.kind == AttestationKind::kContract ||
               asked.kind == AttestationKind::kPartnerNda) {}

  Agreement Run();

 private:
  absl::Time EndOf(const RecipientAttestation& a) const;
  bool CoversPurpose(const RecipientAttestation& a) const;
  bool CoversField(const RecipientAttestation& a, FieldId id) const;
  bool Covers(const RecipientAttestation& a) const;
  void Take(const RecipientAttestation& a, absl::Time end);
  Agreement Fail() const;
  Agreement NotCovered() const;

  const AgreementQuestion& asked_;
  const Policy& policy_;
  const bool binds_;  // What it names limits what is given.
  Agreement best_;
  bool in_force_ = false;
  const RecipientAttestation* failed_ = nullptr;  // Signed last of those no longer in force.
};

absl::Time Search::EndOf(const RecipientAttestation& a) const {
  absl::Time end = std::min(After(a.valid_until), a.revoked_at);
  const std::string& interval = policy_.governance().supervision_interval;
  if (a.kind == AttestationKind::kSupervision && !interval.empty()) {
    end = std::min(end, AddDuration(a.signed_at, interval, policy_.timezone()));
  }
  return end;
}

bool Search::CoversPurpose(const RecipientAttestation& a) const {
  return !binds_ || a.purposes.empty() ||
         std::find(a.purposes.begin(), a.purposes.end(), asked_.purpose) != a.purposes.end();
}

bool Search::CoversField(const RecipientAttestation& a, FieldId id) const {
  if (!binds_ || (a.fields.empty() && !asked_.names_fields)) return true;
  if (id >= policy_.field_count()) return false;
  const FieldSpec& field = policy_.field(id);
  const TypeSpec& type = policy_.type(field.type);
  return std::any_of(a.fields.begin(), a.fields.end(),
                     [&](std::string_view pattern) { return NamesField(pattern, field, type); });
}

bool Search::Covers(const RecipientAttestation& a) const {
  return CoversPurpose(a) && std::all_of(asked_.fields.begin(), asked_.fields.end(),
                                         [&](FieldId id) { return CoversField(a, id); });
}

void Search::Take(const RecipientAttestation& a, absl::Time end) {
  const bool of_issuer = !a.recorded_by_person.empty() && a.recorded_by_person == asked_.issuer;
  const bool better =
      best_.attestation == nullptr || (best_.of_issuer && !of_issuer) ||
      (best_.of_issuer == of_issuer &&
       (end > best_.good_until || (end == best_.good_until && a.id < best_.attestation->id)));
  if (better) best_ = {Reason::kOk, &a, end, of_issuer};
}

Agreement Search::Run() {
  for (const RecipientAttestation& a : asked_.recipient.attestations) {
    if (a.kind != asked_.kind || a.kind == AttestationKind::kUnspecified) continue;
    if (a.signed_at > asked_.now) continue;  // Not signed yet.
    const absl::Time end = EndOf(a);
    if (asked_.now < end) {
      in_force_ = true;
      if (Covers(a)) Take(a, end);
    } else if (failed_ == nullptr || a.signed_at > failed_->signed_at ||
               (a.signed_at == failed_->signed_at && a.id > failed_->id)) {
      failed_ = &a;
    }
  }
  if (best_.attestation != nullptr) return best_;
  return in_force_ ? NotCovered() : Fail();
}

Agreement Search::Fail() const {
  const bool nda = asked_.kind == AttestationKind::kPartnerNda;
  Agreement out;
  if (failed_ == nullptr) {
    out.reason = nda ? Reason::kNdaMissing : Reason::kAgreementMissing;
  } else if (failed_->revoked_at <= asked_.now) {
    out.reason = nda ? Reason::kNdaRevoked : Reason::kAgreementRevoked;
  } else {
    out.reason = nda ? Reason::kNdaExpired : Reason::kAgreementExpired;
  }
  return out;
}

// With the fields that none names which is for the purpose.
Agreement Search::NotCovered() const {
  Agreement out;
  out.reason = Reason::kRecipientNotGranted;
  for (FieldId id : asked_.fields) {
    const auto& all = asked_.recipient.attestations;
    const bool named = std::any_of(all.begin(), all.end(), [&](const RecipientAttestation& a) {
      return a.kind == asked_.kind && a.signed_at <= asked_.now && asked_.now < EndOf(a) &&
             CoversPurpose(a) && CoversField(a, id);
    });
    if (!named) out.denied.push_back(id);
  }
  return out;
}

}  // namespace

Agreement FindAgreement(const AgreementQuestion& asked) { return Search(asked).Run(); }

}  // namespace piivault::authz
