// ConfirmIdentity, RefuseRequest.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "authz/right_rules.h"
#include "vault/service/errors.h"
#include "vault/service/rights_call.h"
#include "vault/service/rights_handlers.h"
#include "vault/state/resource_id.h"
#include "vault/text.h"
#include "vault/values/detectors.h"

namespace piivault::vault {
namespace {

using authz::Reason;

template <typename Container>
bool Contains(const Container& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Words that go into the log: of the given form, and nothing that must not be there.
absl::Status CheckWord(std::string_view word, bool form, std::string_view argument) {
  if (word.empty()) return absl::OkStatus();
  if (!form) return BadArgument(argument);
  return DetectProhibited(word).any() ? MakeError(Reason::kProhibitedType, argument)
                                      : absl::OkStatus();
}

absl::Status CheckDigest(std::string_view digest, std::string_view argument) {
  return digest.empty() || IsSha256Hex(digest) ? absl::OkStatus() : BadArgument(argument);
}

class ConfirmIdentityHandler : public Handler {
 public:
  explicit ConfirmIdentityHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::ConfirmIdentityRequest>(context);
    const v1::IdentityEvidence& evidence = request.evidence();
    RightsCall rights(context, deps_);
    VaultCall& call = rights.call();
    if (auto refused = rights.OpenRequest(request.name(), request.usage())) {
      return *std::move(refused);
    }
    absl::Status form = CheckDigest(evidence.document_sha256(), "evidence.document_sha256");
    if (!form.ok()) return call.Refuse(form);
    if (auto refused = rights.LoadToAnswer()) return *std::move(refused);
    SubjectRequestRow& row = rights.request();
    if (OpenFields(row, rights.use()).empty()) return rights.Refuse(Reason::kRequestClosed);
    const authz::RightSpec* right = authz::FindRight(call.policy(), row.right());
    if (right == nullptr) return rights.Refuse(Reason::kRightNotGiven);
    if (!authz::IsIdentityMethod(*right, evidence.method())) {
      return rights.Refuse(Reason::kMalformedRequest, {"evidence.method"});
    }
    SubjectRequestRow::Identity& identity = *row.mutable_identity();
    identity.set_method(evidence.method());
    identity.set_document_sha256(FromHex(evidence.document_sha256()));
    identity.set_time_micros(absl::ToUnixMicros(call.now()));
    rights.Note("request.method", evidence.method());
    rights.Note("request.document", evidence.document_sha256());
    if (!RequestsFit(rights.use())) return rights.Refuse(Reason::kBatchTooLarge);
    StorePerson(call, &rights.person());
    auto* response = NewResponse<v1::ConfirmIdentityResponse>(context);
    rights.FillRequest(row, response->mutable_request());
    return call.Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

class RefuseRequestHandler : public Handler {
 public:
  explicit RefuseRequestHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::RefuseRequestRequest>(context);
    const v1::RequestRefusal& asked = request.refusal();
    RightsCall rights(context, deps_);
    VaultCall& call = rights.call();
    if (auto refused = rights.OpenRequest(request.name(), request.usage())) {
      return *std::move(refused);
    }
    if (absl::Status form = CheckForm(asked); !form.ok()) return call.Refuse(form);
    if (auto refused = rights.LoadToAnswer()) return *std::move(refused);
    rights.Note("request.ground", asked.ground());
    rights.Note("request.law", asked.law());
    rights.Note("request.article", asked.article());
    rights.Note("request.document", asked.document_sha256());
    const authz::RightSpec* right = authz::FindRight(call.policy(), rights.request().right());
    if (right == nullptr) return rights.Refuse(Reason::kRightNotGiven);
    if (auto refused = CheckGround(rights, *right, asked)) return *std::move(refused);
    SubjectRequestRow::Refusal refusal;
    if (auto refused = TakeFields(rights, asked, &refusal)) return *std::move(refused);
    refusal.set_ground(asked.ground());
    refusal.set_law(asked.law());
    refusal.set_article(asked.article());
    refusal.set_document_sha256(FromHex(asked.document_sha256()));
    refusal.set_time_micros(absl::ToUnixMicros(call.now()));
    if (auto refused = CheckApproval(rights, *right, refusal)) return *std::move(refused);
    AddRefusal(std::move(refusal), &rights.request());
    if (!RequestsFit(rights.use())) return rights.Refuse(Reason::kBatchTooLarge);
    StorePerson(call, &rights.person());
    auto* response = NewResponse<v1::RefuseRequestResponse>(context);
    rights.FillRequest(rights.request(), response->mutable_request());
    return call.Finish(response);
  }

 private:
  // What can be said without any look-up.
  static absl::Status CheckForm(const v1::RequestRefusal& asked) {
    absl::Status status =
        CheckWord(asked.ground(), IsPolicyIdentifier(asked.ground()), "refusal.ground");
    if (status.ok())
      status = CheckWord(asked.law(), IsPolicyIdentifier(asked.law()), "refusal.law");
    if (status.ok()) {
      status = CheckWord(asked.article(), authz::IsArticle(asked.article()), "refusal.article");
    }
    if (status.ok()) status = CheckDigest(asked.document_sha256(), "refusal.document_sha256");
    if (status.ok() && asked.ground().empty()) status = BadArgument("refusal.ground");
    return status;
  }

  // Whether the right may be refused on that ground.
  static std::optional<Plan> CheckGround(RightsCall& rights, const authz::RightSpec& right,
                                         const v1::RequestRefusal& asked) {
    std::string_view argument;
    const Reason reason =
        authz::CheckRefusal(rights.call().policy(), right,
                            {rights.request().kind(), asked.ground(), asked.law(), asked.article(),
                             !asked.document_sha256().empty(), ContractStands(rights.use())},
                            &argument);
    if (reason == Reason::kOk) return std::nullopt;
    return rights.Refuse(reason, {Concat({"refusal.", argument})});
  }

  // An exception takes a role that may approve it; so does what would stand in place of one.
  static std::optional<Plan> CheckApproval(RightsCall& rights, const authz::RightSpec& right,
                                           const SubjectRequestRow::Refusal& refusal) {
    const auto excepts = [&](const SubjectRequestRow::Refusal& before) {
      return authz::IsException(right, before.ground()) && Holds(before, rights.use()) &&
             std::any_of(before.fields().begin(), before.fields().end(),
                         [&](const auto& field) { return Contains(refusal.fields(), field); });
    };
    const auto& refusals = rights.request().refusals();
    if (!authz::IsException(right, refusal.ground()) &&
        std::none_of(refusals.begin(), refusals.end(), excepts)) {
      return std::nullopt;
    }
    VaultCall& call = rights.call();
    const PersonFacts facts(call.tenant_id(), rights.person());
    const PersonDecision decision =
        call.Decide(authz::Verb::kApproveException, authz::kNoType, {}, facts);
    if (!decision.granted()) return rights.Refuse(decision.reason);
    storage::v1::EntryItem item;
    item.set_subject_ref(rights.person().row.subject_ref());
    call.Describe(decision, &item);
    call.AddFields(decision, &item);
    *call.entry().add_items() = std::move(item);
    return std::nullopt;
  }

  // The fields that are refused: those named, which must not be done, or all that are open.
  static std::optional<Plan> TakeFields(RightsCall& rights, const v1::RequestRefusal& asked,
                                        SubjectRequestRow::Refusal* refusal) {
    VaultCall& call = rights.call();
    const SubjectRequestRow& row = rights.request();
    if (row.withdraw_micros() != 0) return rights.Refuse(Reason::kRequestClosed);
    if (asked.fields().empty()) {
      for (std::string_view field : OpenFields(row, rights.use())) {
        refusal->add_fields(std::string(field));
      }
    }
    std::vector<std::string_view> names;
    if (auto refused = ExpandFields(call, asked.fields(), "refusal.fields", &names)) return refused;
    for (std::string_view name : names) {
      if (!Contains(row.fields(), name)) {
        return rights.Refuse(Reason::kMalformedRequest, {"refusal.fields"});
      }
      if (Contains(row.done_fields(), name)) {
        return rights.Refuse(Reason::kRequestClosed, {std::string(name)});
      }
      refusal->add_fields(std::string(name));
    }
    if (refusal->fields().empty()) return rights.Refuse(Reason::kRequestClosed);
    // The entry names what is refused, not all that was asked for.
    *call.entry().mutable_items(0)->mutable_fields() = refusal->fields();
    return std::nullopt;
  }

  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewConfirmIdentity(const VaultDependencies& dependencies) {
  return std::make_unique<ConfirmIdentityHandler>(dependencies);
}
std::unique_ptr<Handler> NewRefuseRequest(const VaultDependencies& dependencies) {
  return std::make_unique<RefuseRequestHandler>(dependencies);
}

}  // namespace piivault::vault
