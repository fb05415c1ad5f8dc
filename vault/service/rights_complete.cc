// CompleteRequest.
#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "authz/field_pattern.h"
#include "authz/right_rules.h"
#include "vault/service/errors.h"
#include "vault/service/person_records.h"
#include "vault/service/rights_call.h"
#include "vault/service/rights_handlers.h"

namespace piivault::vault {
namespace {

using authz::Reason;

bool HasValue(const LoadedRecord& record, std::string_view field) {
  const std::optional<RecordField> now = record.reader->Field(field);
  const auto& earlier = record.header().earlier();
  return (now.has_value() && !now->absent) ||
         std::any_of(earlier.begin(), earlier.end(),
                     [field](const auto& value) { return value.name() == field; });
}

bool IsStopped(const SubjectUse& use, std::string_view field) {
  const std::string_view type = field.substr(0, field.find('.'));
  return std::any_of(use.stops().begin(), use.stops().end(), [&](const auto& stop) {
    if (!stop.purpose().empty()) return false;
    const std::string_view named = stop.fields();
    return named.empty() || named == field || authz::NamesFamily(named, type);
  });
}

class CompleteRequestHandler : public Handler {
 public:
  explicit CompleteRequestHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::CompleteRequestRequest>(context);
    RightsCall rights(context, deps_);
    VaultCall& call = rights.call();
    if (auto refused = rights.OpenRequest(request.name(), request.usage())) {
      return *std::move(refused);
    }
    if (auto refused = rights.LoadToAnswer()) return *std::move(refused);
    SubjectRequestRow& row = rights.request();
    const std::vector<std::string_view> open = OpenFields(row, rights.use());
    if (open.empty()) return rights.Refuse(Reason::kRequestClosed);
    if (!IdentityIsKnown(call.policy(), row)) {
      return rights.Refuse(Reason::kIdentityNotConfirmed);
    }
    if (auto refused = CheckDone(rights, open)) return *std::move(refused);
    MarkDone(open, absl::ToUnixMicros(call.now()), &row);
    // The entry names what is done, not what was refused.
    storage::v1::EntryItem& item = *call.entry().mutable_items(0);
    item.mutable_fields()->Assign(open.begin(), open.end());
    StorePerson(call, &rights.person());
    auto* response = NewResponse<v1::CompleteRequestResponse>(context);
    rights.FillRequest(row, response->mutable_request());
    return call.Finish(response);
  }

 private:
  static bool IdentityIsKnown(const authz::Policy& policy, const SubjectRequestRow& row) {
    if (row.has_identity()) return true;
    const authz::RightSpec* right = authz::FindRight(policy, row.right());
    return right != nullptr && !authz::AsksForIdentity(*right, row.by_the_person());
  }

  // Refuses with the fields that it is not done for.
  static std::optional<Plan> CheckDone(RightsCall& rights,
                                       const std::vector<std::string_view>& open) {
    std::set<std::string_view> left;  // to be done
    const SubjectUse& use = rights.use();
    switch (ProofOf(rights.request().kind())) {
      case Proof::kNone:
        return std::nullopt;
      case Proof::kStopped:
        std::copy_if(open.begin(), open.end(), std::inserter(left, left.end()),
                     [&](std::string_view field) { return !IsStopped(use, field); });
        break;
      case Proof::kUnsubscribed:
        if (!use.unsubscribed()) left.insert(open.begin(), open.end());
        break;
      case Proof::kEnded:
        if (!use.contract_ended()) left.insert(open.begin(), open.end());
        break;
      case Proof::kErased:
        if (auto refused = FindValues(rights, open, &left)) return refused;
        break;
      case Proof::kWritten:
        if (auto refused = FindUnwritten(rights, open, &left)) return refused;
        break;
    }
    if (left.empty()) return std::nullopt;
    return rights.Refuse(Reason::kRequestNotCarriedOut, {left.begin(), left.end()});
  }

  // At all records of the person, until `look` says that it cannot be.
  static std::optional<Plan> Look(RightsCall& rights,
                                  absl::FunctionRef<absl::Status(const LoadResult&)> look) {
    const absl::Status looked = ForEachRecordOf(rights.call(), rights.person().id, look);
    if (!looked.ok()) return rights.Refuse(ReasonOf(looked));
    return std::nullopt;
  }

  // The fields that have a value, or had one. A record that does not open may hold what was to be
  // erased.
  static std::optional<Plan> FindValues(RightsCall& rights,
                                        const std::vector<std::string_view>& open,
                                        std::set<std::string_view>* left) {
    return Look(rights, [&](const LoadResult& result) {
      if (!result.ok()) return authz::ReasonStatus(result.reason);
      for (std::string_view field : open) {
        if (IsOf(*result.record, field) && HasValue(*result.record, NameIn(field))) {
          left->insert(field);
        }
      }
      return absl::OkStatus();
    });
  }

  // The fields that have a value, and none that came, or was cleared, since the request.
  static std::optional<Plan> FindUnwritten(RightsCall& rights,
                                           const std::vector<std::string_view>& open,
                                           std::set<std::string_view>* left) {
    std::set<std::string_view> written;
    auto refused = Look(rights, [&](const LoadResult& result) {
      if (!result.ok()) return absl::OkStatus();
      for (std::string_view field : open) {
        if (!IsOf(*result.record, field)) continue;
        const std::string_view name = NameIn(field);
        if (HasValue(*result.record, name)) left->insert(field);
        if (WrittenAt(*result.record, name) > rights.request().open_micros()) {
          written.insert(field);
        }
      }
      return absl::OkStatus();
    });
    for (std::string_view field : written) left->erase(field);
    return refused;
  }

  // When the field's value came or, where that is not kept or the version has cleared it, the
  // record's version; 0 where the version knows nothing of it.
  static int64_t WrittenAt(const LoadedRecord& record, std::string_view field) {
    const storage::v1::FieldHeader* header = record.reader->FindField(field);
    if (header == nullptr) return 0;
    if (header->since_micros() != 0) return header->since_micros();
    return record.header().updated_micros();
  }

  static bool IsOf(const LoadedRecord& record, std::string_view field) {
    return field.substr(0, field.find('.')) == record.type();
  }
  static std::string_view NameIn(std::string_view field) {
    return field.substr(field.find('.') + 1);
  }

  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewCompleteRequest(const VaultDependencies& dependencies) {
  return std::make_unique<CompleteRequestHandler>(dependencies);
}

}  // namespace piivault::vault
