// UpdateSubject.
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "piivault/v1/subject_service.pb.h"
#include "vault/rights/subject_request.h"
#include "vault/service/admin_convert.h"
#include "vault/service/subject_change.h"
#include "vault/service/subject_handlers.h"
#include "vault/service/told_events.h"
#include "vault/state/resource_id.h"
#include "vault/text.h"
#include "vault/values/detectors.h"

namespace piivault::vault {
namespace {

using authz::Reason;
using storage::v1::MandateRow;
using storage::v1::SubjectUse;

constexpr authz::Verb kUpdate[] = {authz::Verb::kUpdateSubject};
constexpr int kMaxMandates = 20;

MandateRow* FindMandate(SubjectUse* use, const storage::Id128& agent) {
  for (MandateRow& row : *use->mutable_mandates()) {
    if (row.agent() == agent.view()) return &row;
  }
  return nullptr;
}

template <typename Which>
void RemoveMandates(SubjectUse* use, Which which) {
  auto& rows = *use->mutable_mandates();
  rows.erase(std::remove_if(rows.begin(), rows.end(), which), rows.end());
}

bool HasEnded(const MandateRow& row, int64_t now) {
  return row.not_after_micros() != 0 && row.not_after_micros() < now;
}

class UpdateSubjectHandler : public Handler {
 public:
  explicit UpdateSubjectHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::UpdateSubjectRequest>(context);
    VaultCall call(context, deps_);
    const std::optional<SubjectName> name = ParseSubjectName(request.subject());
    if (auto refused = call.OpenTenant(name.has_value() ? name->tenant : std::string_view(),
                                       &request.usage())) {
      return *std::move(refused);
    }
    if (auto refused = DecideOneOf(call, kUpdate)) return *std::move(refused);
    if (auto refused = CheckForm(call, request)) return *std::move(refused);
    if (auto refused = CheckEvents(call, request.events())) return *std::move(refused);
    // Whoever acts for somebody else does not say who may.
    const bool who = request.has_holder() || request.mandates_size() > 0;
    const std::string& actor = request.usage().on_behalf_of();
    if (who && !actor.empty() && actor != request.subject()) {
      return call.Refuse(Reason::kNotOwnRecord);
    }
    SubjectState person;
    if (auto refused = LoadPerson(call, name->subject, kUpdate, &person)) {
      return *std::move(refused);
    }
    // Of one who was erased but for what a law keeps, only what lets that go is said.
    const bool more = request.contract_active() || request.has_holder() ||
                      request.has_department() || request.mandates_size() > 0;
    if (person.row.use().erase_micros() != 0 && more) {
      return call.Refuse(Reason::kSubjectErased);
    }
    const std::string before = person.row.use().SerializeAsString();
    SubjectUse use = person.row.use();
    if (auto refused = SetHolder(call, request, name->subject, &use)) return *std::move(refused);
    if (request.has_department()) use.set_department(request.department());
    if (request.has_contract_active()) SetContract(call, request.contract_active(), &use);
    TellEventsAgain(request.events(), call.now(), use.mutable_events());
    if (auto refused = EndMandates(call, request, &use)) return *std::move(refused);
    if (auto refused = SetMandates(call, request, name->subject, &use)) {
      return *std::move(refused);
    }
    auto* response = NewResponse<v1::UpdateSubjectResponse>(context);
    FillResponse(call, use, response);
    if (use.SerializeAsString() != before) {
      *person.row.mutable_use() = std::move(use);
      StorePerson(call, &person);
    }
    return call.Finish(response);
  }

 private:
  // What can be said without any look-up.
  static std::optional<Plan> CheckForm(VaultCall& call, const v1::UpdateSubjectRequest& request) {
    if (!request.department().empty()) {
      if (!IsPolicyIdentifier(request.department())) {
        return call.Refuse(Reason::kMalformedRequest, {"department"});
      }
      if (DetectProhibited(request.department()).any()) {
        return call.Refuse(Reason::kProhibitedType, {"department"});
      }
    }
    if (request.mandates_size() > kMaxMandates || request.end_mandates_size() > kMaxMandates) {
      return call.Refuse(Reason::kBatchTooLarge);
    }
    std::set<std::string_view> agents;
    for (const std::string& agent : request.end_mandates()) {
      if (!agents.insert(agent).second) {
        return call.Refuse(Reason::kMalformedRequest, {"end_mandates"});
      }
    }
    for (const v1::Mandate& mandate : request.mandates()) {
      if (!agents.insert(mandate.agent()).second) {
        return call.Refuse(Reason::kMalformedRequest, {"mandates.agent"});
      }
      if (!IsSha256Hex(mandate.document_sha256())) {
        return call.Refuse(Reason::kMalformedRequest, {"mandates.document_sha256"});
      }
      if (!mandate.has_not_after()) continue;
      const std::optional<int64_t> end = MicrosOf(mandate.not_after());
      if (!end.has_value() || *end < absl::ToUnixMicros(call.now())) {
        return call.Refuse(Reason::kMalformedRequest, {"mandates.not_after"});
      }
    }
    return std::nullopt;
  }

  // A holder is somebody else, who is not a member of a further account.
  static std::optional<Plan> SetHolder(VaultCall& call, const v1::UpdateSubjectRequest& request,
                                       const storage::Id128& person, SubjectUse* use) {
    if (!request.has_holder()) return std::nullopt;
    use->clear_holder();
    if (request.holder().empty()) return std::nullopt;
    SubjectState holder;
    if (auto refused = LoadOther(call, request.holder(), "holder", &holder)) return refused;
    if (holder.id == person) return call.Refuse(Reason::kMalformedRequest, {"holder"});
    if (!holder.row.use().holder().empty()) {
      return call.Refuse(Reason::kMemberWithoutId, {"holder"});
    }
    use->set_holder(std::string(holder.id.view()));
    return std::nullopt;
  }

  // What people were refused because their contract lasts is open again when it ends, and stays so.
  // Periods are counted from the first time that it was said to have ended.
  static void SetContract(VaultCall& call, bool active, SubjectUse* use) {
    if (active) {
      use->clear_contract_end_micros();
    } else if (!use->contract_ended()) {
      use->set_contract_end_micros(absl::ToUnixMicros(call.now()));
    }
    use->set_contract_ended(!active);
    if (!active) LapseRefusals(use);
    (*call.entry().mutable_arguments())["contract"] = active ? "active" : "ended";
  }

  static std::optional<Plan> EndMandates(VaultCall& call, const v1::UpdateSubjectRequest& request,
                                         SubjectUse* use) {
    for (const std::string& name : request.end_mandates()) {
      const std::optional<SubjectName> agent = ParseSubjectName(name);
      if (!agent.has_value() || agent->tenant != call.tenant_id()) {
        return call.Refuse(Reason::kMalformedRequest, {"end_mandates"});
      }
      // An agent's mandate ends, whether the agent is there or not.
      if (FindMandate(use, agent->subject) == nullptr) {
        return call.Refuse(Reason::kNotFound, {"end_mandates"});
      }
      RemoveMandates(
          use, [&agent](const MandateRow& row) { return row.agent() == agent->subject.view(); });
    }
    return std::nullopt;
  }

  static std::optional<Plan> SetMandates(VaultCall& call, const v1::UpdateSubjectRequest& request,
                                         const storage::Id128& person, SubjectUse* use) {
    for (const v1::Mandate& mandate : request.mandates()) {
      SubjectState agent;
      if (auto refused = LoadOther(call, mandate.agent(), "mandates.agent", &agent)) return refused;
      if (agent.id == person) return call.Refuse(Reason::kMalformedRequest, {"mandates.agent"});
      MandateRow* row = FindMandate(use, agent.id);
      if (row == nullptr) {
        if (use->mandates_size() >= kMaxMandates) {
          RemoveMandates(use, [now = absl::ToUnixMicros(call.now())](const MandateRow& old) {
            return HasEnded(old, now);
          });
        }
        if (use->mandates_size() >= kMaxMandates) return call.Refuse(Reason::kBatchTooLarge);
        row = use->add_mandates();
      }
      row->set_agent(std::string(agent.id.view()));
      row->set_document_sha256(FromHex(mandate.document_sha256()));
      row->set_not_after_micros(mandate.has_not_after() ? *MicrosOf(mandate.not_after()) : 0);
    }
    return std::nullopt;
  }

  static void FillResponse(const VaultCall& call, const SubjectUse& use,
                           v1::UpdateSubjectResponse* response) {
    const auto name = [&call](std::string_view id) {
      const std::optional<storage::Id128> subject = storage::Id128::FromBytes(id);
      return subject.has_value() ? call.SubjectNameOf(*subject) : std::string();
    };
    response->set_holder(name(use.holder()));
    response->set_department(use.department());
    response->set_contract_active(!use.contract_ended());
    if (use.contract_end_micros() != 0) {
      FillTime(use.contract_end_micros(), response->mutable_contract_end_time());
    }
    FillEvents(use.events(), response->mutable_events());
    for (const MandateRow& row : use.mandates()) {
      v1::Mandate& mandate = *response->add_mandates();
      mandate.set_agent(name(row.agent()));
      mandate.set_document_sha256(ToHex(row.document_sha256()));
      if (row.not_after_micros() != 0) {
        FillTime(row.not_after_micros(), mandate.mutable_not_after());
      }
    }
  }

  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewUpdateSubject(const VaultDependencies& dependencies) {
  return std::make_unique<UpdateSubjectHandler>(dependencies);
}

}  // namespace piivault::vault
