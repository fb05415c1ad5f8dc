// CompleteRequest.
#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "authz/right_rules.h"
#include "vault/records/record_finder.h"
#include "vault/service/rights_call.h"
#include "vault/service/rights_handlers.h"

namespace piivault::vault {
namespace {

using authz::Reason;

// What the vault can see of whether a request was carried out.
enum class Proof {
  kNone,     // Nothing: whoever completes it says so, and stands for it by name.
  kErased,   // No record has a value, nor an earlier one.
  kStopped,  // Its use is stopped, for every purpose.
  kWritten,  // A record of the type was written since.
};

Proof ProofOf(std::string_view kind) {
  if (kind == "erase") return Proof::kErased;
  if (kind == "stop_use" || kind == "stop_processing") return Proof::kStopped;
  if (kind == "correct" || kind == "change") return Proof::kWritten;
  return Proof::kNone;
}

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
    return named.empty() || named == field ||
           (named.size() == type.size() + 2 && named.starts_with(type) && named.ends_with(".*"));
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
    if (auto refused = rights.LoadRequest()) return *std::move(refused);
    SubjectRequestRow& row = rights.request();
    const std::vector<std::string_view> open = OpenFields(row, rights.use());
    if (open.empty()) return call.Refuse(Reason::kRequestClosed);
    if (!IdentityIsKnown(call.policy(), row)) return call.Refuse(Reason::kIdentityNotConfirmed);
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
    VaultCall& call = rights.call();
    std::set<std::string_view> left;  // to be done
    switch (ProofOf(rights.request().kind())) {
      case Proof::kNone:
        return std::nullopt;
      case Proof::kStopped:
        std::copy_if(open.begin(), open.end(), std::inserter(left, left.end()),
                     [&](std::string_view field) { return !IsStopped(rights.use(), field); });
        break;
      case Proof::kErased: {
        const auto look = [&](const LoadedRecord& record) {
          for (std::string_view field : open) {
            if (IsOf(record, field) && HasValue(record, NameIn(field))) left.insert(field);
          }
        };
        if (auto refused = ForEachRecord(rights, look)) return refused;
        break;
      }
      case Proof::kWritten: {
        left.insert(open.begin(), open.end());
        const auto look = [&](const LoadedRecord& record) {
          if (record.header().updated_micros() <= rights.request().open_micros()) return;
          for (std::string_view field : open) {
            if (IsOf(record, field)) left.erase(field);
          }
        };
        if (auto refused = ForEachRecord(rights, look)) return refused;
        break;
      }
    }
    if (left.empty()) return std::nullopt;
    return call.Refuse(Reason::kRequestNotCarriedOut, {left.begin(), left.end()});
  }

  static bool IsOf(const LoadedRecord& record, std::string_view field) {
    return field.substr(0, field.find('.')) == record.type();
  }
  static std::string_view NameIn(std::string_view field) {
    return field.substr(field.find('.') + 1);
  }

  // All records of the person, a slice at a time. Whether one comes or goes meanwhile the person's
  // cell says.
  static std::optional<Plan> ForEachRecord(RightsCall& rights,
                                           const std::function<void(const LoadedRecord&)>& look) {
    VaultCall& call = rights.call();
    RecordFinder finder(call.deps().engine, call.scope(), &call.changes());
    absl::StatusOr<std::vector<storage::RecordLocator>> found =
        finder.FindSubject(rights.person().id, nullptr, kMaxItems + 1);
    if (!found.ok()) return call.Refuse(found.status());
    if (found->size() > static_cast<size_t>(kMaxItems)) return call.Refuse(Reason::kBatchTooLarge);
    for (size_t begin = 0; begin < found->size(); begin += kLoadSlice) {
      absl::StatusOr<std::vector<LoadResult>> loaded =
          LoadRecords(call.deps().engine, call.scope(),
                      absl::MakeConstSpan(*found).subspan(begin, kLoadSlice), &call.changes());
      if (!loaded.ok()) return call.Refuse(loaded.status());
      for (const LoadResult& result : *loaded) {
        // One that does not open may hold what was to be erased.
        if (!result.ok()) return call.Refuse(result.reason);
        look(*result.record);
      }
      call.Yield();
    }
    return std::nullopt;
  }

  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewCompleteRequest(const VaultDependencies& dependencies) {
  return std::make_unique<CompleteRequestHandler>(dependencies);
}

}  // namespace piivault::vault
