// OpenMatter, UpdateMatter, ListMatters.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "piivault/v1/subject_service.pb.h"
#include "vault/retention/record_times.h"
#include "vault/service/admin_convert.h"
#include "vault/service/subject_change.h"
#include "vault/service/subject_handlers.h"
#include "vault/state/resource_id.h"
#include "vault/text.h"
#include "vault/values/detectors.h"

namespace piivault::vault {
namespace {

using authz::MatterAbout;
using authz::MatterSpec;
using authz::Reason;
using storage::v1::MatterRow;

constexpr authz::Verb kManage[] = {authz::Verb::kManageMatters};
constexpr authz::Verb kManageOrRead[] = {authz::Verb::kManageMatters, authz::Verb::kReadSubject};

constexpr int kMaxOfPerson = 100;
// Those that are opened at the same moment may go beyond it; the next ones make up for it.
constexpr size_t kMaxOfTenant = 10'000;
constexpr size_t kMaxRemoved = 16;  // by one call
constexpr size_t kMaxListed = 1000;
constexpr int kMaxPurposes = 64;

// A person's or a tenant's.
struct Owner {
  std::string_view tenant;
  std::optional<storage::Id128> person;
};

Owner ParseOwner(std::string_view name) {
  if (const auto subject = ParseSubjectName(name); subject.has_value()) {
    return {subject->tenant, subject->subject};
  }
  return {ParseTenantName(name).value_or(std::string_view()), std::nullopt};
}

void FillMatter(const MatterRow& row, v1::Matter* matter) {
  matter->set_kind(row.kind());
  matter->set_id(row.id());
  matter->set_state(row.state());
  matter->set_party(row.party());
  *matter->mutable_purposes() = row.purposes();
  if (row.not_after_micros() != 0) FillTime(row.not_after_micros(), matter->mutable_not_after());
  FillTime(row.open_micros(), matter->mutable_open_time());
  FillTime(row.update_micros(), matter->mutable_update_time());
}

bool HasState(const MatterSpec& spec, std::string_view state) {
  return std::find(spec.states.begin(), spec.states.end(), state) != spec.states.end();
}

MatterRow* FindIn(storage::v1::SubjectUse* use, std::string_view kind, std::string_view id) {
  for (MatterRow& row : *use->mutable_matters()) {
    if (row.kind() == kind && row.id() == id) return &row;
  }
  return nullptr;
}

// One call about a matter: whose, and of which kind.
class MatterCall {
 public:
  MatterCall(CallContext& context, const VaultDependencies& deps) : call_(context, deps) {}

  VaultCall& call() { return call_; }
  const std::optional<storage::Id128>& person_id() const { return owner_.person; }
  SubjectState& person() { return person_; }
  const MatterMap& of_tenant() { return call_.session().state().matters(call_.scope().id()); }

  // Through the decision, before anything is looked up.
  std::optional<Plan> Open(std::string_view parent, const v1::Usage& usage,
                           absl::Span<const authz::Verb> verbs) {
    owner_ = ParseOwner(parent);
    if (auto refused = call_.OpenTenant(owner_.tenant, &usage)) return refused;
    return DecideOneOf(call_, verbs);
  }

  // The kind, which has to be of persons or of tenants, as the parent is, and the id, which go into
  // the entry.
  std::optional<Plan> Name(std::string_view kind, std::string_view id, std::string_view path) {
    spec_ = call_.policy().FindMatter(kind);
    if (spec_ == nullptr) return Bad(Reason::kMatterUnknown, path, "kind");
    if ((spec_->about == MatterAbout::kSubject) != owner_.person.has_value()) {
      return Bad(Reason::kMalformedRequest, "", "parent");
    }
    if (!authz::IsValidTicket(id)) return Bad(Reason::kMalformedRequest, path, "id");
    if (DetectProhibited(id).any()) return Bad(Reason::kProhibitedType, path, "id");
    call_.entry().set_resource(Concat({kind, "/", id}));
    return std::nullopt;
  }
  const MatterSpec& spec() const { return *spec_; }

  // The person, where it is about one. What is the tenant's is nobody's own, and rests on no
  // person's matters or consent.
  std::optional<Plan> Load(absl::Span<const authz::Verb> verbs) {
    if (owner_.person.has_value()) return LoadPerson(call_, *owner_.person, verbs, &person_);
    PersonDecision decision;
    return DecideOneOf(call_, verbs, PersonFacts(), &decision);
  }

  // The tenant's matter, for the read set too; null for none.
  const MatterState* FindOfTenant(std::string_view kind, std::string_view id) {
    call_.changes().Read(storage::MatterKey(call_.scope().id(), kind, id));
    return of_tenant().Find(kind, id);
  }

  Plan Bad(Reason reason, std::string_view path, std::string_view argument) {
    return call_.Refuse(reason, {Concat({path, argument})});
  }

  // Writes the tenant's matter, and takes away those that it takes the place of.
  Plan FinishOfTenant(google::protobuf::Message* response, const MatterRow& row,
                      absl::Span<const MatterRow> removed = {}) {
    const storage::TenantId tenant = call_.scope().id();
    StateChange change = call_.deps().store.NewChange(call_.session().shared_state());
    for (const MatterRow& old : removed) change.RemoveMatter(tenant, old.kind(), old.id());
    change.PutMatter(tenant, row);
    Plan plan = call_.Finish(response);
    if (plan.reason == Reason::kOk) change.MoveTo(&plan);
    return plan;
  }

 private:
  VaultCall call_;
  Owner owner_;
  const MatterSpec* spec_ = nullptr;
  SubjectState person_;
};

class OpenMatterHandler : public Handler {
 public:
  explicit OpenMatterHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::OpenMatterRequest>(context);
    MatterCall matter(context, deps_);
    if (auto refused = matter.Open(request.parent(), request.usage(), kManage)) {
      return *std::move(refused);
    }
    if (auto refused = matter.Name(request.matter().kind(), request.matter().id(), "matter.")) {
      return *std::move(refused);
    }
    MatterRow row;
    if (auto refused = Fill(matter, request.matter(), &row)) return *std::move(refused);
    if (auto refused = matter.Load(kManage)) return *std::move(refused);
    auto* response = NewResponse<v1::OpenMatterResponse>(context);
    FillMatter(row, response->mutable_matter());
    return matter.person_id().has_value() ? PutOfPerson(matter, std::move(row), response)
                                          : PutOfTenant(matter, row, response);
  }

 private:
  // What is asked for, as a row.
  static std::optional<Plan> Fill(MatterCall& matter, const v1::Matter& from, MatterRow* row) {
    VaultCall& call = matter.call();
    const MatterSpec& spec = matter.spec();
    if (!from.state().empty() && !HasState(spec, from.state())) {
      return matter.Bad(Reason::kMalformedRequest, "matter.", "state");
    }
    const bool of_controller = spec.about == MatterAbout::kController;
    if (of_controller == from.party().empty() ||
        (of_controller && !IsPolicyIdentifier(from.party()))) {
      return matter.Bad(Reason::kMalformedRequest, "matter.", "party");
    }
    if (DetectProhibited(from.party()).any()) {
      return matter.Bad(Reason::kProhibitedType, "matter.", "party");
    }
    if (from.purposes_size() > kMaxPurposes) return call.Refuse(Reason::kBatchTooLarge);
    for (const std::string& purpose : from.purposes()) {
      if (call.policy().FindPurpose(purpose) == nullptr) {
        return matter.Bad(Reason::kPurposeUnknown, "matter.", "purposes");
      }
    }
    const int64_t now = absl::ToUnixMicros(call.now());
    if (from.has_not_after()) {
      const std::optional<int64_t> end = MicrosOf(from.not_after());
      if (!end.has_value() || *end < now) {
        return matter.Bad(Reason::kMalformedRequest, "matter.", "not_after");
      }
      row->set_not_after_micros(*end);
    }
    row->set_kind(from.kind());
    row->set_id(from.id());
    row->set_state(from.state().empty() ? spec.states.front() : from.state());
    row->set_party(from.party());
    *row->mutable_purposes() = from.purposes();
    row->set_open_micros(now);
    row->set_update_micros(now);
    return std::nullopt;
  }

  static Plan PutOfPerson(MatterCall& matter, MatterRow row, v1::OpenMatterResponse* response) {
    VaultCall& call = matter.call();
    storage::v1::SubjectUse& use = *matter.person().row.mutable_use();
    if (FindIn(&use, row.kind(), row.id()) != nullptr) return call.Refuse(Reason::kAlreadyExists);
    auto& matters = *use.mutable_matters();
    if (matters.size() >= kMaxOfPerson) {
      const auto spare =
          std::find_if(matters.begin(), matters.end(), [&call](const MatterRow& old) {
            const MatterSpec* spec = call.policy().FindMatter(old.kind());
            return spec == nullptr || old.state() != spec->states.front();
          });
      if (spare == matters.end()) return call.Refuse(Reason::kBatchTooLarge);
      matters.erase(spare);
    }
    *matters.Add() = std::move(row);
    StorePerson(call, &matter.person());
    return call.Finish(response);
  }

  static Plan PutOfTenant(MatterCall& matter, const MatterRow& row,
                          v1::OpenMatterResponse* response) {
    VaultCall& call = matter.call();
    if (matter.FindOfTenant(row.kind(), row.id()) != nullptr) {
      return call.Refuse(Reason::kAlreadyExists);
    }
    std::vector<MatterRow> removed;
    if (!MakeRoom(call.policy(), matter.of_tenant(), &removed)) {
      return call.Refuse(Reason::kBatchTooLarge);
    }
    return matter.FinishOfTenant(response, row, removed);
  }

  // Of those that are over, the ones that have been for the longest time; false where there are too
  // few.
  static bool MakeRoom(const authz::Policy& policy, const MatterMap& matters,
                       std::vector<MatterRow>* removed) {
    if (matters.size() < kMaxOfTenant) return true;
    const size_t surplus = std::min(matters.size() + 1 - kMaxOfTenant, kMaxRemoved);
    std::vector<const MatterRow*> over;
    matters.ForEach([&](const MatterState& matter) {
      if (IsOver(policy, matter.row)) over.push_back(&matter.row);
    });
    if (over.size() < surplus) return false;
    const auto end = over.begin() + static_cast<ptrdiff_t>(surplus);
    std::partial_sort(over.begin(), end, over.end(), [](const MatterRow* a, const MatterRow* b) {
      return a->update_micros() < b->update_micros();
    });
    for (auto it = over.begin(); it != end; ++it) removed->push_back(**it);
    return true;
  }

  const VaultDependencies& deps_;
};

class UpdateMatterHandler : public Handler {
 public:
  explicit UpdateMatterHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::UpdateMatterRequest>(context);
    MatterCall matter(context, deps_);
    VaultCall& call = matter.call();
    if (auto refused = matter.Open(request.parent(), request.usage(), kManage)) {
      return *std::move(refused);
    }
    if (auto refused = matter.Name(request.kind(), request.id(), "")) return *std::move(refused);
    if (!HasState(matter.spec(), request.state())) {
      return matter.Bad(Reason::kMalformedRequest, "", "state");
    }
    if (auto refused = matter.Load(kManage)) return *std::move(refused);
    auto* response = NewResponse<v1::UpdateMatterResponse>(context);
    const int64_t now = absl::ToUnixMicros(call.now());

    if (matter.person_id().has_value()) {
      MatterRow* row = FindIn(matter.person().row.mutable_use(), request.kind(), request.id());
      if (row == nullptr) return call.Refuse(Reason::kNotFound);
      const bool changed = Change(request.state(), now, row);
      FillMatter(*row, response->mutable_matter());
      if (changed) StorePerson(call, &matter.person());
      return call.Finish(response);
    }
    const MatterState* there = matter.FindOfTenant(request.kind(), request.id());
    if (there == nullptr) return call.Refuse(Reason::kNotFound);
    MatterRow row = there->row;
    const bool changed = Change(request.state(), now, &row);
    FillMatter(row, response->mutable_matter());
    return changed ? matter.FinishOfTenant(response, row) : call.Finish(response);
  }

 private:
  static bool Change(const std::string& state, int64_t now, MatterRow* row) {
    if (row->state() == state) return false;
    row->set_state(state);
    row->set_update_micros(now);
    return true;
  }

  const VaultDependencies& deps_;
};

class ListMattersHandler : public Handler {
 public:
  explicit ListMattersHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::ListMattersRequest>(context);
    MatterCall matter(context, deps_);
    if (auto refused = matter.Open(request.parent(), request.usage(), kManageOrRead)) {
      return *std::move(refused);
    }
    if (auto refused = matter.Load(kManageOrRead)) return *std::move(refused);
    auto* response = NewResponse<v1::ListMattersResponse>(context);
    if (matter.person_id().has_value()) {
      for (const MatterRow& row : matter.person().row.use().matters()) {
        FillMatter(row, response->add_matters());
      }
      return matter.call().Finish(response);
    }
    std::vector<const MatterRow*> rows;
    matter.of_tenant().ForEach([&rows](const MatterState& one) { rows.push_back(&one.row); });
    std::sort(rows.begin(), rows.end(), [](const MatterRow* a, const MatterRow* b) {
      return std::tuple(a->open_micros(), std::string_view(a->kind()), std::string_view(a->id())) <
             std::tuple(b->open_micros(), std::string_view(b->kind()), std::string_view(b->id()));
    });
    for (size_t i = rows.size() - std::min(rows.size(), kMaxListed); i < rows.size(); ++i) {
      FillMatter(*rows[i], response->add_matters());
    }
    return matter.call().Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewOpenMatter(const VaultDependencies& dependencies) {
  return std::make_unique<OpenMatterHandler>(dependencies);
}
std::unique_ptr<Handler> NewUpdateMatter(const VaultDependencies& dependencies) {
  return std::make_unique<UpdateMatterHandler>(dependencies);
}
std::unique_ptr<Handler> NewListMatters(const VaultDependencies& dependencies) {
  return std::make_unique<ListMattersHandler>(dependencies);
}

}  // namespace piivault::vault
