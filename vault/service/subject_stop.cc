// StopUse, ResumeUse.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "piivault/v1/subject_service.pb.h"
#include "vault/service/field_pattern.h"
#include "vault/service/subject_change.h"
#include "vault/service/subject_handlers.h"
#include "vault/service/subject_view.h"

namespace piivault::vault {
namespace {

using authz::Reason;
using storage::v1::UseStopRow;

constexpr int kMaxStops = 100;

// What StopUse and ResumeUse have in common: who, which fields, and the decision about them.
class StopCall {
 public:
  StopCall(CallContext& context, const VaultDependencies& deps, authz::Verb verb)
      : call_(context, deps), verb_(verb) {}

  VaultCall& call() { return call_; }
  SubjectState& person() { return person_; }
  const std::vector<TypeFields>& fields() const { return fields_; }

  // Opens the call and decides without the person. A refusal, or nothing.
  std::optional<Plan> Open(std::string_view subject, const v1::UseStop& stop,
                           const v1::Usage& usage) {
    name_ = ParseSubjectName(subject);
    const std::string_view tenant = name_.has_value() ? name_->tenant : std::string_view();
    if (auto refused = call_.OpenTenant(tenant, &usage)) return refused;
    fields_ = FieldsOfPattern(call_.policy(), stop.fields());
    for (const TypeFields& of_type : fields_) {
      if (auto refused = call_.DecideType(verb_, of_type.type, of_type.fields, false)) {
        return refused;
      }
    }
    if (!stop.purpose().empty() && call_.policy().FindPurpose(stop.purpose()) == nullptr) {
      return call_.Refuse(Reason::kMalformedRequest, {"stop.purpose"});
    }
    return std::nullopt;
  }

  // Loads the person and decides about all the fields: one that is denied refuses the whole.
  std::optional<Plan> LoadAndDecide(std::string_view pattern) {
    absl::StatusOr<std::optional<SubjectState>> loaded =
        LoadSubject(call_.deps().engine, call_.scope(), name_->subject, &call_.changes());
    if (!loaded.ok()) return call_.Refuse(loaded.status());
    if (!loaded->has_value()) return call_.Refuse(Reason::kNotFound);
    if ((*loaded)->erased()) return call_.Refuse(Reason::kSubjectErased);
    person_ = **std::move(loaded);
    const PersonFacts facts(call_.tenant_id(), person_);
    storage::v1::EntryItem item;
    item.set_subject_ref(person_.row.subject_ref());
    // As the person said it: the fields may be all of the policy's.
    if (!pattern.empty()) item.add_fields(std::string(pattern));
    for (const TypeFields& of_type : fields_) {
      const PersonDecision decision = call_.Decide(verb_, of_type.type, of_type.fields, facts);
      if (!decision.granted()) return call_.Refuse(decision);
      call_.Describe(decision, &item);
      role_ = decision.role;
      AddGrant(decision, &item);
    }
    *call_.entry().add_items() = std::move(item);
    return std::nullopt;
  }

  // Whether the person speaks, by a service that acts for nobody else.
  bool ByThePerson() const {
    return role_ != nullptr && role_->kind == authz::RoleKind::kSubject &&
           call_.on_behalf_of() == call_.SubjectNameOf(person_.id);
  }

 private:
  static void AddGrant(const authz::Decision& decision, storage::v1::EntryItem* item) {
    if (decision.grant == nullptr) return;
    const auto& grants = item->grants();
    if (std::find(grants.begin(), grants.end(), decision.grant->id) == grants.end()) {
      item->add_grants(decision.grant->id);
    }
  }

  VaultCall call_;
  const authz::Verb verb_;
  std::optional<SubjectName> name_;
  std::vector<TypeFields> fields_;
  SubjectState person_;
  const authz::RoleSpec* role_ = nullptr;
};

auto FindStop(storage::v1::SubjectUse* use, const v1::UseStop& stop) {
  auto& rows = *use->mutable_stops();
  return std::find_if(rows.begin(), rows.end(), [&stop](const UseStopRow& row) {
    return row.fields() == stop.fields() && row.purpose() == stop.purpose();
  });
}

class StopUseHandler : public Handler {
 public:
  explicit StopUseHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::StopUseRequest>(context);
    StopCall stop(context, deps_, authz::Verb::kStopUse);
    if (auto refused = stop.Open(request.subject(), request.stop(), request.usage())) {
      return *std::move(refused);
    }
    if (auto refused = stop.LoadAndDecide(request.stop().fields())) return *std::move(refused);
    VaultCall& call = stop.call();
    storage::v1::SubjectUse& use = *stop.person().row.mutable_use();
    if (!use.contract_ended()) {
      std::vector<std::string> essential = EssentialFields(call.policy(), stop.fields());
      if (!essential.empty()) return call.Refuse(Reason::kEssential, std::move(essential));
    }
    auto* response = NewResponse<v1::StopUseResponse>(context);
    if (FindStop(&use, request.stop()) == use.stops().end()) {
      if (use.stops_size() >= kMaxStops) return call.Refuse(Reason::kBatchTooLarge);
      UseStopRow& row = *use.add_stops();
      row.set_fields(request.stop().fields());
      row.set_purpose(request.stop().purpose());
      row.set_time_micros(absl::ToUnixMicros(call.now()));
      StorePerson(call, &stop.person());
    }
    FillStops(use, response->mutable_stops());
    return call.Finish(response);
  }

 private:
  static std::vector<std::string> EssentialFields(const authz::Policy& policy,
                                                  const std::vector<TypeFields>& fields) {
    std::vector<std::string> names;
    for (const TypeFields& of_type : fields) {
      for (authz::FieldId id : of_type.fields) {
        if (policy.field(id).essential) names.push_back(policy.field(id).full_name);
      }
    }
    return names;
  }

  const VaultDependencies& deps_;
};

class ResumeUseHandler : public Handler {
 public:
  explicit ResumeUseHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::ResumeUseRequest>(context);
    StopCall stop(context, deps_, authz::Verb::kResumeUse);
    if (auto refused = stop.Open(request.subject(), request.stop(), request.usage())) {
      return *std::move(refused);
    }
    if (auto refused = stop.LoadAndDecide(request.stop().fields())) return *std::move(refused);
    VaultCall& call = stop.call();
    // Whatever the policy grants: nobody, and no representative, wants it in the person's stead.
    if (!stop.ByThePerson()) return call.Refuse(Reason::kNotOwnRecord);
    storage::v1::SubjectUse& use = *stop.person().row.mutable_use();
    const auto found = FindStop(&use, request.stop());
    if (found == use.stops().end()) return call.Refuse(Reason::kNotFound);
    use.mutable_stops()->erase(found);
    StorePerson(call, &stop.person());
    auto* response = NewResponse<v1::ResumeUseResponse>(context);
    FillStops(use, response->mutable_stops());
    return call.Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewStopUse(const VaultDependencies& dependencies) {
  return std::make_unique<StopUseHandler>(dependencies);
}
std::unique_ptr<Handler> NewResumeUse(const VaultDependencies& dependencies) {
  return std::make_unique<ResumeUseHandler>(dependencies);
}

}  // namespace piivault::vault
