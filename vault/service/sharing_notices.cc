// ListCorrectionNotices, AcknowledgeCorrectionNotices.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "vault/crypto/aead.h"
#include "vault/keys/sealed_row.h"
#include "vault/records/subject_rows.h"
#include "vault/service/admin_convert.h"
#include "vault/service/resource_name.h"
#include "vault/service/sharing_ask.h"
#include "vault/service/sharing_handlers.h"
#include "vault/service/sharing_issue.h"
#include "vault/service/sharing_readers.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::v1::CorrectionNoticeRow;

constexpr size_t kMaxExamined = 10'000;
constexpr int kMaxNames = 1000;

void FillNotice(const VaultCall& call, const storage::Id128& id, const CorrectionNoticeRow& row,
                v1::CorrectionNotice* notice) {
  notice->set_name(MakeCorrectionNoticeName(call.tenant_id(), id));
  notice->set_recipient(RecipientResource(call.tenant_id(), row.recipient()));
  notice->set_handle(RefOf(row.handle()).ToText());
  for (const CorrectionNoticeRow::Field& field : row.fields()) {
    notice->add_fields(field.name());
    notice->add_held_versions(field.held_version());
  }
  notice->set_version(row.record_version());
  notice->set_kind(static_cast<v1::CorrectionKind>(row.kind()));
  FillTime(row.create_micros(), notice->mutable_create_time());
  FillTime(row.due_micros(), notice->mutable_due_time());
  if (row.acknowledge_micros() != 0) {
    FillTime(row.acknowledge_micros(), notice->mutable_acknowledge_time());
  }
  if (!row.token().empty()) {
    notice->set_export_token(MakeExportTokenName(call.tenant_id(), RefOf(row.token())));
  }
}

// NOT_FOUND where there is none. Its cell goes to the read set.
absl::StatusOr<CorrectionNoticeRow> LoadNotice(VaultCall& call, const storage::Key& key) {
  call.changes().Read(key);
  const absl::StatusOr<std::string> value = call.deps().engine.Get(key);
  if (!value.ok()) return value.status();
  return OpenVersionedRow<CorrectionNoticeRow>(call.scope().keys(), key, *value);
}

// Texts of the tokens that notices offer, each made once.
class OfferedTokens {
 public:
  explicit OfferedTokens(VaultCall& call) : call_(call) {}

  // Empty where it cannot be redeemed now.
  absl::StatusOr<std::string> Find(std::string_view id_bytes) {
    const storage::Id128 id = RefOf(id_bytes);
    if (const auto found = texts_.find(id); found != texts_.end()) return found->second;
    absl::StatusOr<std::optional<ExportTokenState>> token =
        LoadExportToken(call_.deps().engine, call_.scope(), id, &call_.changes());
    // Who is to put something right is told so all the same.
    if (absl::IsDataLoss(token.status())) return texts_[id] = std::string();
    if (!token.ok()) return token.status();
    const StateSnapshot& state = call_.session().state();
    call_.session().AddRead(ExportRevocationsCell(call_.tenant_id()));
    call_.session().AddRead(SigningKeysCell());
    const SigningKey* key = state.signing_keys().active();
    if (!token->has_value() || key == nullptr ||
        StateNow(call_, **token) != v1::EXPORT_TOKEN_STATE_ACTIVE) {
      return texts_[id] = std::string();
    }
    absl::StatusOr<std::string> text = TextOf(call_, **token, *key);
    if (text.ok()) texts_[id] = *text;
    return text;
  }

 private:
  VaultCall& call_;
  std::map<storage::Id128, std::string> texts_;
};

bool IsRecipient(const VaultCall& call) {
  const authz::Principal* principal = call.session().principal();
  return call.session().identified() && principal != nullptr &&
         principal->kind == authz::PrincipalKind::kRecipient;
}

class ListCorrectionNoticesHandler : public Handler {
 public:
  explicit ListCorrectionNoticesHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::ListCorrectionNoticesRequest>(context);
    VaultCall call(context, deps_);
    const RecipientState* recipient = nullptr;
    if (IsRecipient(call)) {
      if (auto refused = OpenForRecipient(call, &recipient)) return *std::move(refused);
      if (request.parent() != TenantName(call.tenant_id())) {
        return call.Refuse(authz::Reason::kTenantMismatch);
      }
    } else {
      if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
      if (auto refused = DecideLedger(call)) return *std::move(refused);
      if (!request.recipient().empty()) {
        const std::optional<RecipientName> name = ParseRecipientName(request.recipient());
        if (!name.has_value() || name->tenant != call.tenant_id()) {
          return call.Refuse(authz::Reason::kMalformedRequest, {"recipient"});
        }
        recipient = call.session().state().FindRecipient(call.tenant_id(), name->recipient);
        if (recipient == nullptr) return call.Refuse(authz::Reason::kRecipientUnknown);
      }
    }
    const storage::Key prefix =
        recipient == nullptr
            ? storage::SharingPrefix(storage::SharingKind::kNotice, call.scope().id())
            : storage::NoticePrefix(call.scope().id(), RefOf(recipient->row.ref()));
    const bool own = IsRecipient(call);
    std::string subject_ref;
    if (!request.subject().empty()) {
      if (own) return call.Refuse(authz::Reason::kMalformedRequest, {"subject"});
      if (auto refused = FindPerson(call, request.subject(), &subject_ref)) {
        return *std::move(refused);
      }
    }
    return List(call, request, prefix, own, subject_ref);
  }

 private:
  // What notices call the person. A refusal, or nothing.
  std::optional<Plan> FindPerson(VaultCall& call, std::string_view name,
                                 std::string* subject_ref) const {
    const std::optional<SubjectName> parsed = ParseSubjectName(name);
    if (!parsed.has_value() || parsed->tenant != call.tenant_id()) {
      return call.Refuse(authz::Reason::kMalformedRequest, {"subject"});
    }
    const absl::StatusOr<std::optional<SubjectState>> person =
        LoadSubject(deps_.engine, call.scope(), parsed->subject, &call.changes());
    if (!person.ok()) return call.Refuse(person.status());
    if (!person->has_value()) return call.Refuse(authz::Reason::kNotFound);
    if ((*person)->erased()) return call.Refuse(authz::Reason::kSubjectErased);
    *subject_ref = (*person)->row.subject_ref();
    call.entry().add_items()->set_subject_ref(*subject_ref);
    return std::nullopt;
  }

  Plan List(VaultCall& call, const v1::ListCorrectionNoticesRequest& request,
            const storage::Key& prefix, bool own, const std::string& subject_ref) {
    v1::ListCorrectionNoticesRequest query(request);
    query.clear_page_size();
    query.clear_page_token();
    std::optional<storage::RecordLocator> after;
    if (auto refused = call.OpenPage(query, request.page_token(), request.page_size(), &after)) {
      return *std::move(refused);
    }
    const int size = request.page_size() == 0 ? kDefaultPageSize : request.page_size();
    std::string start = prefix.bytes;
    if (after.has_value()) {
      start = storage::NoticeKey(call.scope().id(), after->subject, after->record).bytes + '\0';
    }
    auto* response = NewResponse<v1::ListCorrectionNoticesResponse>(call.session().context());
    size_t seen = 0;
    bool more = false;
    std::string last;
    absl::Status opened;
    OfferedTokens tokens(call);
    const int64_t now = absl::ToUnixMicros(call.now());
    const absl::Status scanned = deps_.engine.Scan(
        prefix, start, kMaxExamined, [&](std::string_view key, std::string_view value) {
          if (response->notices_size() == size) {
            more = true;
            return false;
          }
          ++seen;
          last = key;
          storage::Key whole{storage::Table::kSharing, std::string(key)};
          const absl::StatusOr<CorrectionNoticeRow> row =
              OpenVersionedRow<CorrectionNoticeRow>(call.scope().keys(), whole, value);
          opened = row.status();
          if (!opened.ok()) return false;
          const bool open = row->acknowledge_micros() == 0;
          if (!open && !request.show_acknowledged()) return true;
          if (request.overdue() && (!open || row->due_micros() > now)) return true;
          if (!subject_ref.empty() && row->subject_ref() != subject_ref) return true;
          v1::CorrectionNotice* const notice = response->add_notices();
          FillNotice(call, storage::IdSuffix(key), *row, notice);
          if (!own || !open || row->token().empty()) return true;
          absl::StatusOr<std::string> text = tokens.Find(row->token());
          opened = text.status();
          if (opened.ok()) notice->set_token(*std::move(text));
          return opened.ok();
        });
    if (!scanned.ok()) return call.Refuse(scanned);
    if (!opened.ok()) return call.Refuse(opened);
    if (more || seen == kMaxExamined) {
      response->set_next_page_token(call.SealPage(storage::LocatorSuffix(last)));
    }
    return call.Finish(response);
  }

  const VaultDependencies& deps_;
};

class AcknowledgeCorrectionNoticesHandler : public Handler {
 public:
  explicit AcknowledgeCorrectionNoticesHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::AcknowledgeCorrectionNoticesRequest>(context);
    VaultCall call(context, deps_);
    const RecipientState* recipient = nullptr;
    if (auto refused = OpenForRecipient(call, &recipient)) return *std::move(refused);
    if (request.names().empty()) return call.Refuse(authz::Reason::kMalformedRequest, {"names"});
    if (request.names_size() > kMaxNames) return call.Refuse(authz::Reason::kBatchTooLarge);
    if (request.names_size() == 1) call.entry().set_resource(request.names(0));
    (*call.entry().mutable_arguments())["notices"] = std::to_string(request.names_size());
    auto* response = NewResponse<v1::AcknowledgeCorrectionNoticesResponse>(context);
    std::vector<storage::Id128> seen;
    for (const std::string& name : request.names()) {
      const std::optional<TenantIdName> parsed = ParseCorrectionNoticeName(name);
      if (!parsed.has_value() || parsed->tenant != call.tenant_id() ||
          std::find(seen.begin(), seen.end(), parsed->id) != seen.end()) {
        call.entry().clear_resource();
        return call.Refuse(authz::Reason::kMalformedRequest, {"names"});
      }
      seen.push_back(parsed->id);
      if (auto refused =
              Acknowledge(call, recipient->row.ref(), parsed->id, response->add_notices())) {
        return *std::move(refused);
      }
    }
    return call.Finish(response);
  }

 private:
  std::optional<Plan> Acknowledge(VaultCall& call, std::string_view recipient_ref,
                                  const storage::Id128& id, v1::CorrectionNotice* notice) {
    storage::Key key = storage::NoticeKey(call.scope().id(), RefOf(recipient_ref), id);
    absl::StatusOr<CorrectionNoticeRow> row = LoadNotice(call, key);
    // Another recipient's is not there.
    if (absl::IsNotFound(row.status())) return call.Refuse(authz::Reason::kNotFound);
    if (!row.ok()) return call.Refuse(row.status());
    call.entry().add_items()->set_subject_ref(row->subject_ref());
    if (row->acknowledge_micros() == 0) {
      row->set_acknowledge_micros(absl::ToUnixMicros(call.now()));
      row->set_acknowledged_by(std::string(call.session().principal_name()));
      row->set_version(row->version() + 1);
      PutVersioned(call.scope(), deps_.random, std::move(key), *row, &call.changes());
    }
    FillNotice(call, id, *row, notice);
    return std::nullopt;
  }

  const VaultDependencies& deps_;
};

}  // namespace

std::optional<Plan> LoadOpenNotices(VaultCall& call,
                                    const google::protobuf::RepeatedPtrField<std::string>& names,
                                    const storage::Id128& recipient_ref,
                                    std::vector<OpenNotice>* notices) {
  if (names.size() > kMaxNames) return call.Refuse(authz::Reason::kBatchTooLarge, {"notices"});
  std::set<storage::Id128> seen;
  for (const std::string& name : names) {
    const std::optional<TenantIdName> parsed = ParseCorrectionNoticeName(name);
    if (!parsed.has_value() || parsed->tenant != call.tenant_id() ||
        !seen.insert(parsed->id).second) {
      return call.Refuse(authz::Reason::kMalformedRequest, {"notices"});
    }
    OpenNotice notice{storage::NoticeKey(call.scope().id(), recipient_ref, parsed->id), {}};
    absl::StatusOr<CorrectionNoticeRow> row = LoadNotice(call, notice.key);
    const bool closed = row.ok() && row->acknowledge_micros() != 0;
    if (closed || absl::IsNotFound(row.status())) {
      return call.Refuse(authz::Reason::kNotFound, {"notices"});
    }
    if (!row.ok()) return call.Refuse(row.status());
    notice.row = *std::move(row);
    notices->push_back(std::move(notice));
  }
  return std::nullopt;
}

std::unique_ptr<Handler> NewListCorrectionNotices(const VaultDependencies& dependencies) {
  return std::make_unique<ListCorrectionNoticesHandler>(dependencies);
}
std::unique_ptr<Handler> NewAcknowledgeCorrectionNotices(const VaultDependencies& dependencies) {
  return std::make_unique<AcknowledgeCorrectionNoticesHandler>(dependencies);
}

}  // namespace piivault::vault
