#include "tests/bench/micro/large_policy.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace piivault::authz {
namespace {

constexpr size_t kFieldsOfType = 16;
constexpr size_t kTypes = Policy::kMaxFields / kFieldsOfType;
constexpr size_t kRolesOfCaller = 3;
constexpr size_t kNamedByNotice = 20;
constexpr size_t kConsentsOfPerson = 50;
constexpr size_t kStopsOfPerson = 30;
constexpr size_t kMattersOfPerson = 20;
constexpr size_t kOthersEvidence = 8;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const char kDocument[] = "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd";

std::string Kinds() {
  std::string text = "matters:\n";
  for (size_t i = 0; i < Policy::kMaxMatters; ++i) {
    const char* about = i == 1 ? ", about: tenant" : "";
    absl::StrAppend(&text, "  m", i, ": {states: [open, held, closed]", about, "}\n");
  }
  return text;
}

std::string Types() {
  std::string text = "types:\n";
  for (size_t t = 0; t < kTypes; ++t) {
    absl::StrAppend(&text, "  t", t, ":\n    channels: [web, phone]\n    fields:\n");
    for (size_t f = 0; f < kFieldsOfType; ++f) {
      absl::StrAppend(&text, "      f", f, ": person_name\n");
    }
  }
  return text;
}

// p0 asks for all there is, the last one follows from eight others.
std::string Purposes() {
  std::string text =
      "purposes:\n  p0: {needs: [ticket, reason], matter: [{kind: m0, state: [open, held]}, m1], "
      "consent: required}\n";
  for (size_t i = 1; i + 1 < Policy::kMaxPurposes; ++i) absl::StrAppend(&text, "  p", i, ": {}\n");
  absl::StrAppend(&text, "  p", Policy::kMaxPurposes - 1,
                  ": {follows: [p8, p7, p6, p5, p4, p3, p2, p1], needs: [reason], matter: m0}\n");
  return text;
}

std::string Roles() {
  std::string text = "roles:\n";
  for (size_t i = 0; i < Policy::kMaxRoles; ++i) {
    absl::StrAppend(&text, "  r", i,
                    ": {kind: staff, employment: [full_time, contract], nda: [nda_contract, "
                    "pledge], attested: [training, acknowledgement], needs: [ticket, fields], "
                    "matter: [{kind: m0, state: [open, held]}, m2]}\n");
  }
  return text;
}

std::string Notices() {
  std::string text = "collection_notices:\n";
  for (size_t n = 0; n < Policy::kMaxCollectionNotices; ++n) {
    absl::StrAppend(&text, "  n", n, ": {purposes: [");
    for (size_t p = 0; p < kNamedByNotice; ++p) {
      absl::StrAppend(&text, p == 0 ? "p" : ", p", 2 + (n + p) % (Policy::kMaxPurposes - 4));
    }
    text += "]}\n";
  }
  return text;
}

std::string Consents() {
  std::string text =
      "consent:\n"
      "  - {id: c0, event: purpose_extension, when: before_use}\n"
      "  - {id: c1, event: policy_change, when: before_use}\n"
      "  - {id: c2, event: collection, under_age: 16, who: guardian, when: before_collection}\n"
      "  - {id: c3, event: link, fields: [t0.*], when: at_link, scope: agreed_items}\n";
  for (size_t i = 4; i < Policy::kMaxConsents; ++i) {
    const std::string fields = i == 8 || i == 16 ? "t0.*" : absl::StrCat("t", 1 + i % 8, ".f0");
    absl::StrAppend(&text, "  - {id: c", i, ", event: collection, fields: [", fields,
                    "], when: before_collection}\n");
  }
  return text;
}

std::string Grant(size_t i, size_t grants, Grants where) {
  const std::string last = absl::StrCat("p", Policy::kMaxPurposes - 1);
  if (where == Grants::kCrowded) {
    const char* view = i + 1 < grants ? ", view: masked" : "";
    return absl::StrCat("  - {id: g", i, ", role: r0, may: [reveal, create], fields: [t0.*], ",
                        "for: [p0, p1, ", last, "]", view, "}\n");
  }
  static constexpr const char* kWhen[] = {"consented, contract_active", "subscribed", "own_id",
                                          "noticed"};
  return absl::StrCat("  - {id: g", i, ", role: r", i % Policy::kMaxRoles,
                      ", may: [reveal, create], fields: [t", 1 + i / Policy::kMaxRoles,
                      ".*, t0.*], ", "for: [p0, p1, ", last, "], when: [",
                      i == 0 ? "own_id" : kWhen[i % 4], "]}\n");
}

}  // namespace

std::string LargePolicyText(size_t grants, Grants where) {
  std::string text = absl::StrCat(
      "policy: large\ntimezone: Asia/Tokyo\nchannels: [web, phone, mail]\nacknowledgement: "
      "{document: ",
      kDocument, ", from: 2025-05-01, within: 30d}\n", Kinds(), Types(), Purposes(), Roles(),
      Notices(), Consents(), "grants:\n");
  for (size_t i = 0; i < grants; ++i) text += Grant(i, grants, where);
  return text;
}

LargeCall::LargeCall(std::shared_ptr<const Policy> policy, Asked asked, size_t fields)
    : policy_(std::move(policy)) {
  SetCaller(asked);
  SetInput(asked, fields);
  SetSubject(asked);
}

void LargeCall::SetCaller(Asked asked) {
  principal_.name = "principals/caller";
  principal_.kind = PrincipalKind::kStaff;
  principal_.person = person_.name = "persons/caller";
  person_.employment = Employment::kContract;
  for (size_t role = kRolesOfCaller; role-- > 0;) {
    RoleBinding binding;
    binding.role = absl::StrCat("r", role);
    binding.tenant = "tenants/default";
    binding.not_after = kNow + absl::Hours(24 * 30);
    for (size_t t = 9; t > 1; --t) binding.fields.push_back(absl::StrCat("t", t - 1, ".*"));
    if (asked != Asked::kInParts) binding.fields.push_back("t0.*");
    for (size_t f = role; asked == Asked::kInParts && f < kFieldsOfType; f += kRolesOfCaller + 1) {
      binding.fields.push_back(absl::StrCat("t0.f", f));
    }
    principal_.bindings.push_back(std::move(binding));
  }
  const auto add = [&](AttestationKind kind, absl::Time until) {
    Attestation a;
    a.id = absl::StrCat("attestations/", attestations_.size());
    a.kind = kind;
    a.document_sha256 = kDocument;
    a.signatory = person_.name;
    a.signed_at = kNow - absl::Hours(24 * 300);
    a.valid_until = until;
    attestations_.push_back(std::move(a));
  };
  for (size_t i = 0; i < kOthersEvidence; ++i) add(AttestationKind::kPledge, kNow);
  for (AttestationKind kind :
       {AttestationKind::kPledge, AttestationKind::kTraining, AttestationKind::kAcknowledgement}) {
    add(kind, kNow + absl::Hours(24));
  }
}

void LargeCall::SetInput(Asked asked, size_t fields) {
  for (size_t f = 0; f < fields; ++f) {
    fields_.push_back(policy_->FindField(absl::StrCat("t0.f", kFieldsOfType - 1 - f)));
  }
  arguments_ = {{"order", "O-1"}, {"m0", "M-1"}, {"parent", "p1"}, {"reason", "R-1"}};
  input_.principal = &principal_;
  input_.person = &person_;
  input_.attestations = attestations_;
  input_.tenant = "tenants/default";
  const bool writes = asked == Asked::kWrite || asked == Asked::kWriteRefused;
  input_.verb = writes ? Verb::kCreate : Verb::kReveal;
  input_.type = policy_->FindType("t0");
  input_.fields = fields_;
  input_.purpose = asked == Asked::kDerived      ? Keep(absl::StrCat("p", Policy::kMaxPurposes - 1))
                   : asked == Asked::kNotForThat ? Keep("p9")
                                                 : Keep("p0");
  input_.ticket = "T-1";
  input_.arguments = arguments_;
  input_.now = kNow;
  input_.channel = "web";
  input_.front_hop = FrontHop::kTls;
  input_.collected_at = kNow - absl::Seconds(1);
  input_.born = absl::CivilDay(2015, 5, 5);
}

void LargeCall::SetSubject(Asked asked) {
  subject_.subject = "subjects/of-somebody";
  subject_.notice = "n199";
  const absl::Time given = kNow - absl::Hours(24 * 100);
  for (size_t i = 0; i + 6 < kConsentsOfPerson; ++i) {
    consents_.push_back(
        {Keep(absl::StrCat("c", 4 + i % 100)), Keep(absl::StrCat("p", 10 + i)), {}, given});
  }
  const absl::Time end = asked == Asked::kNotConsented ? kNow : absl::InfiniteFuture();
  static constexpr std::string_view kFields[] = {"t0.*"};
  absl::Span<const std::string_view> agreed = kFields;
  if (asked == Asked::kWriteRefused) {
    for (size_t f = 0; f + 1 < fields_.size(); ++f) {
      agreed_.push_back(policy_->field(fields_[f]).full_name);
    }
    agreed = agreed_;
  }
  for (const char* id : {"c8", "c16", "c2", "c3"}) {
    consents_.push_back({id, "", id == std::string_view("c3") ? agreed : kFields, given,
                         absl::InfiniteFuture(), true});
  }
  consents_.push_back({"c1", "p1", {}, given, end});
  consents_.push_back({"c1", "p0", {}, given, end});
  for (size_t i = 0; i + 1 < kStopsOfPerson; ++i) {
    stops_.push_back({Keep(absl::StrCat("t", 1 + i % 8, ".f0")),
                      i % 2 == 0 ? "" : Keep(absl::StrCat("p", 10 + i))});
  }
  stops_.push_back(
      {policy_->field(fields_.back()).full_name, asked == Asked::kStopped ? "p0" : "p10"});
  for (size_t i = 0; i + 1 < kMattersOfPerson; ++i) {
    matters_.push_back({"m0", Keep(absl::StrCat("M-", 2 + i)), "open"});
  }
  matters_.push_back({"m0", "M-1", "held", "", kNow + absl::Hours(24)});
  matters_.back().state = asked == Asked::kDerived ? "open" : "held";
  subject_.consents = consents_;
  subject_.stops = stops_;
  subject_.matters = matters_;
}

}  // namespace piivault::authz
