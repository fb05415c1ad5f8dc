// OpenMatter, UpdateMatter, ListMatters.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "authz/retention.h"
#include "piivault/v1/subject_service.pb.h"
#include "vault/retention/record_times.h"
#include "vault/service/admin_convert.h"
#include "vault/service/matter_call.h"
#include "vault/service/subject_change.h"
#include "vault/service/subject_handlers.h"
#include "vault/service/told_events.h"
#include "vault/state/resource_id.h"
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
// And so many complaints and disputes more, which a law may ask to keep.
constexpr int kMoreDisputes = 50;
// Those that are opened at the same moment may go beyond it; the next ones make up for it.
constexpr size_t kMaxOfTenant = 10'000;
constexpr size_t kMaxRemoved = 16;  // by one call
constexpr size_t kMaxListed = 1000;
constexpr int kMaxPurposes = 64;

MatterRow* FindIn(storage::v1::SubjectUse* use, std::string_view kind, std::string_view id) {
  for (MatterRow& row : *use->mutable_matters()) {
    if (row.kind() == kind && row.id() == id) return &row;
  }
  return nullptr;
}

// Whether the matter may give way to `next` with the same person: it goes on no more, and no period
// of storage ends earlier without it. Those of records that it is about would. Those that no matter
// is about are counted from all of the person's: there `next`, with which nothing has happened yet,
// stands for it, but not for a dispute where it is none.
bool GivesWay(const authz::Policy& policy, const MatterRow& row, const MatterRow& next) {
  if (row.records_size() > 0) return false;
  if (authz::IsDisputed(row.type()) && !authz::IsDisputed(next.type())) return false;
  const MatterSpec* spec = policy.FindMatter(row.kind());
  return spec == nullptr || row.state() != spec->states.front();
}

// Whether a matter of one type may turn out to be of another one of the policy's. One that the
// policy has given up, or that was opened before there were types, may become any.
bool MayBecome(const MatterSpec& spec, std::string_view from, std::string_view to) {
  if (authz::IsDisputed(from) && !authz::IsDisputed(to)) return false;
  const auto old = std::find(spec.types.begin(), spec.types.end(), from);
  return old == spec.types.end() || old <= std::find(spec.types.begin(), spec.types.end(), to);
}

class OpenMatterHandler : public Handler {
 public:
  explicit OpenMatterHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::OpenMatterRequest>(context);
    MatterCall matter(context, deps_, "matter.");
    if (auto refused = matter.Open(request.parent(), request.usage(), kManage)) {
      return *std::move(refused);
    }
    if (auto refused = matter.Name(request.matter().kind(), request.matter().id())) {
      return *std::move(refused);
    }
    MatterRow row;
    if (auto refused = Fill(matter, request.matter(), &row)) return *std::move(refused);
    if (auto refused = matter.Load(kManage)) return *std::move(refused);
    auto* response = NewResponse<v1::OpenMatterResponse>(context);
    return matter.person_id().has_value() ? PutOfPerson(matter, std::move(row), response)
                                          : PutOfTenant(matter, row, response);
  }

 private:
  // What is asked for, as a row.
  static std::optional<Plan> Fill(MatterCall& matter, const v1::Matter& from, MatterRow* row) {
    VaultCall& call = matter.call();
    const MatterSpec& spec = matter.spec();
    row->set_state(from.state().empty() ? spec.states.front() : from.state());
    if (auto refused = matter.CheckState(row->state())) return refused;
    row->set_type(from.type().empty() && !spec.types.empty() ? spec.types.front() : from.type());
    if (auto refused = matter.CheckType(row->type())) return refused;
    if (auto refused = matter.NameRecords(from.records(), "records")) return refused;
    const bool of_controller = spec.about == MatterAbout::kController;
    if (of_controller == from.party().empty() ||
        (of_controller && !IsPolicyIdentifier(from.party()))) {
      return matter.Bad(Reason::kMalformedRequest, "party");
    }
    if (DetectProhibited(from.party()).any()) {
      return matter.Bad(Reason::kProhibitedType, "party");
    }
    if (from.purposes_size() > kMaxPurposes) return call.Refuse(Reason::kBatchTooLarge);
    for (const std::string& purpose : from.purposes()) {
      if (call.policy().FindPurpose(purpose) == nullptr) {
        return matter.Bad(Reason::kPurposeUnknown, "purposes");
      }
    }
    const int64_t now = absl::ToUnixMicros(call.now());
    if (from.has_not_after()) {
      const std::optional<int64_t> end = MicrosOf(from.not_after());
      if (!end.has_value() || *end < now) {
        return matter.Bad(Reason::kMalformedRequest, "not_after");
      }
      row->set_not_after_micros(*end);
    }
    row->set_kind(from.kind());
    row->set_id(from.id());
    row->set_party(from.party());
    *row->mutable_purposes() = from.purposes();
    row->set_open_micros(now);
    row->set_update_micros(now);
    return std::nullopt;
  }

  static Plan PutOfPerson(MatterCall& matter, MatterRow row, v1::OpenMatterResponse* response) {
    VaultCall& call = matter.call();
    storage::v1::SubjectUse& use = *matter.person().row.mutable_use();
    if (use.erase_micros() != 0) return call.Refuse(Reason::kSubjectErased);
    if (FindIn(&use, row.kind(), row.id()) != nullptr) return call.Refuse(Reason::kAlreadyExists);
    auto& matters = *use.mutable_matters();
    const int most = kMaxOfPerson + (authz::IsDisputed(row.type()) ? kMoreDisputes : 0);
    if (matters.size() >= most) {
      const auto spare = std::find_if(
          matters.begin(), matters.end(),
          [&call, &row](const MatterRow& old) { return GivesWay(call.policy(), old, row); });
      if (spare == matters.end()) return call.Refuse(Reason::kBatchTooLarge);
      matters.erase(spare);
    }
    if (auto refused = matter.LinkRecords(&row)) return *std::move(refused);
    matter.FillMatter(row, response->mutable_matter());
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
    matter.FillMatter(row, response->mutable_matter());
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
    MatterCall matter(context, deps_, "");
    if (auto refused = matter.Open(request.parent(), request.usage(), kManage)) {
      return *std::move(refused);
    }
    if (auto refused = CheckForm(matter, request)) return *std::move(refused);
    if (auto refused = matter.Load(kManage)) return *std::move(refused);
    auto* response = NewResponse<v1::UpdateMatterResponse>(context);
    return matter.person_id().has_value() ? ChangeOfPerson(matter, request, response)
                                          : ChangeOfTenant(matter, request, response);
  }

 private:
  static std::optional<Plan> CheckForm(MatterCall& matter, const v1::UpdateMatterRequest& request) {
    if (auto refused = matter.Name(request.kind(), request.id())) return refused;
    if (request.state().empty() && request.type().empty() && request.add_records().empty() &&
        request.events().empty()) {
      return matter.Bad(Reason::kMalformedRequest, "state");
    }
    if (auto refused = matter.CheckState(request.state())) return refused;
    if (auto refused = matter.CheckType(request.type())) return refused;
    if (auto refused = matter.NameRecords(request.add_records(), "add_records")) return refused;
    return CheckEvents(matter.call(), request.events());
  }

  static Plan ChangeOfPerson(MatterCall& matter, const v1::UpdateMatterRequest& request,
                             v1::UpdateMatterResponse* response) {
    VaultCall& call = matter.call();
    MatterRow* row = FindIn(matter.person().row.mutable_use(), request.kind(), request.id());
    if (row == nullptr) return call.Refuse(Reason::kNotFound);
    const std::string before = row->SerializeAsString();
    const bool was_over = IsOver(call.policy(), *row);
    // What is long over says nothing of what it was not about then.
    if (was_over && request.add_records_size() > 0) {
      return matter.Bad(Reason::kMalformedRequest, "add_records");
    }
    if (auto refused = Change(matter, request, row)) return *std::move(refused);
    // Nothing keeps longer what was left of somebody who was erased.
    const bool longer =
        request.add_records_size() > 0 || (was_over && !IsOver(call.policy(), *row));
    if (matter.person().row.use().erase_micros() != 0 && longer) {
      return call.Refuse(Reason::kSubjectErased);
    }
    if (auto refused = matter.LinkRecords(row)) return *std::move(refused);
    matter.FillMatter(*row, response->mutable_matter());
    if (row->SerializeAsString() != before) StorePerson(call, &matter.person());
    return call.Finish(response);
  }

  static Plan ChangeOfTenant(MatterCall& matter, const v1::UpdateMatterRequest& request,
                             v1::UpdateMatterResponse* response) {
    const MatterState* there = matter.FindOfTenant(request.kind(), request.id());
    if (there == nullptr) return matter.call().Refuse(Reason::kNotFound);
    MatterRow row = there->row;
    if (auto refused = Change(matter, request, &row)) return *std::move(refused);
    matter.FillMatter(row, response->mutable_matter());
    const bool changed = row.SerializeAsString() != there->row.SerializeAsString();
    return changed ? matter.FinishOfTenant(response, row) : matter.call().Finish(response);
  }

  static std::optional<Plan> Change(MatterCall& matter, const v1::UpdateMatterRequest& request,
                                    MatterRow* row) {
    const absl::Time now = matter.call().now();
    // Periods are counted from when it reached its state: that stays, whatever else changes.
    if (!request.state().empty() && request.state() != row->state()) {
      row->set_state(request.state());
      row->set_update_micros(absl::ToUnixMicros(now));
    }
    if (!request.type().empty()) {
      if (!MayBecome(matter.spec(), row->type(), request.type())) {
        return matter.Bad(Reason::kMalformedRequest, "type");
      }
      row->set_type(request.type());
    }
    TellEvents(request.events(), now, row->mutable_events());
    return std::nullopt;
  }

  const VaultDependencies& deps_;
};

class ListMattersHandler : public Handler {
 public:
  explicit ListMattersHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::ListMattersRequest>(context);
    MatterCall matter(context, deps_, "");
    if (auto refused = matter.Open(request.parent(), request.usage(), kManageOrRead)) {
      return *std::move(refused);
    }
    if (auto refused = matter.Load(kManageOrRead)) return *std::move(refused);
    auto* response = NewResponse<v1::ListMattersResponse>(context);
    if (matter.person_id().has_value()) {
      for (const MatterRow& row : matter.person().row.use().matters()) {
        matter.FillMatter(row, response->add_matters());
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
      matter.FillMatter(*rows[i], response->add_matters());
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
