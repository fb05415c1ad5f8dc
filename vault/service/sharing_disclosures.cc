// ListDisclosures, StreamDisclosedRecords.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vault/crypto/aead.h"
#include "vault/keys/sealed_row.h"
#include "vault/service/admin_convert.h"
#include "vault/service/resource_name.h"
#include "vault/service/sharing_ask.h"
#include "vault/service/sharing_handlers.h"
#include "vault/service/sharing_readers.h"
#include "vault/service/subject_change.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::v1::DisclosedRow;

constexpr size_t kMaxExamined = 10'000;
constexpr size_t kPeopleAtATime = 500;

void FillDisclosure(const VaultCall& call, const DisclosureState& disclosure,
                    v1::Disclosure* wire) {
  const storage::v1::DisclosureRow& row = disclosure.row;
  wire->set_name(MakeDisclosureName(call.tenant_id(), disclosure.id));
  wire->set_recipient(RecipientResource(call.tenant_id(), row.recipient()));
  if (const RecipientState* recipient =
          call.session().state().FindRecipient(call.tenant_id(), row.recipient());
      recipient != nullptr) {
    wire->set_recipient_display_name(recipient->row.display_name());
  }
  wire->set_recipient_address(row.recipient_address());
  wire->set_recipient_representative(row.recipient_representative());
  wire->set_recipient_country(row.recipient_country());
  wire->set_rule(row.rule());
  wire->set_basis(row.basis());
  wire->set_purpose(row.purpose());
  wire->set_token(MakeExportTokenName(call.tenant_id(), RefOf(row.token())));
  wire->set_issuer(PrincipalName(row.issuer()));
  *wire->mutable_fields() = row.fields();
  *wire->mutable_assertions() = row.assertions();
  FillTime(row.start_micros(), wire->mutable_start_time());
  if (row.end_micros() != 0) FillTime(row.end_micros(), wire->mutable_end_time());
  wire->set_subjects(row.subjects());
  wire->set_omitted(row.omitted());
  FillTime(row.keep_micros(), wire->mutable_keep_until());
  wire->set_policy_sha256(ToHex(row.policy_sha256()));
}

void AddRecords(std::string_view subject_ref, const DisclosedRow& row,
                google::protobuf::RepeatedPtrField<v1::DisclosedRecord>* wire) {
  for (const DisclosedRow::Record& record : row.records()) {
    v1::DisclosedRecord& one = *wire->Add();
    one.set_subject_ref(RefOf(subject_ref).ToText());
    one.set_record_ref(RefOf(record.record_ref()).ToText());
    one.set_type(record.type());
    one.set_version(record.version());
    *one.mutable_fields() = record.fields();
    one.set_consent(record.consent());
    FillTime(row.time_micros(), one.mutable_time());
  }
}

// Says which of what was given the recipient holds still, and is not right any more.
void MarkOutdated(const storage::v1::HoldingRow& holding,
                  google::protobuf::RepeatedPtrField<v1::DisclosedRecord>* records) {
  for (const storage::v1::HoldingRow::Held& held : holding.held()) {
    if (!held.outdated()) continue;
    const std::string record_ref = RefOf(held.record_ref()).ToText();
    for (v1::DisclosedRecord& record : *records) {
      if (record.record_ref() != record_ref || record.version() != held.version()) continue;
      const std::string field = held.field().substr(record.type().size() + 1);
      const auto& given = record.fields();
      // Another disclosure has given other fields of the same version.
      if (std::find(given.begin(), given.end(), field) == given.end()) continue;
      record.add_outdated_fields(field);
    }
  }
}

// Where a list of disclosures stands: the time of one's beginning, and its id.
storage::RecordLocator CursorOf(std::string_view key) {
  storage::RecordLocator cursor;
  const std::string_view tail = key.substr(key.size() - 24);
  std::copy_n(tail.begin(), 8, cursor.subject.bytes.begin());
  cursor.record = storage::IdSuffix(key);
  return cursor;
}

class ListDisclosuresHandler : public Handler {
 public:
  explicit ListDisclosuresHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::ListDisclosuresRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    const bool about_person = !request.subject().empty();
    storage::Key prefix;
    std::string subject_ref;
    Holdings held;
    if (about_person) {
      if (auto refused = OpenPerson(call, request.subject(), &subject_ref)) {
        return *std::move(refused);
      }
      prefix = storage::DisclosureOfSubjectPrefix(call.scope().id(), RefOf(subject_ref));
      if (auto refused = CheckComplete(call, RefOf(subject_ref), prefix, &held))
        return *std::move(refused);
    } else if (auto refused = DecideLedger(call)) {
      return *std::move(refused);
    }
    std::optional<std::string> recipient;
    if (!request.recipient().empty()) {
      const std::optional<RecipientName> name = ParseRecipientName(request.recipient());
      if (!name.has_value() || name->tenant != call.tenant_id()) {
        return call.Refuse(authz::Reason::kMalformedRequest, {"recipient"});
      }
      recipient = std::string(name->recipient);
      const RecipientState* found =
          call.session().state().FindRecipient(call.tenant_id(), *recipient);
      if (found == nullptr) return call.Refuse(authz::Reason::kRecipientUnknown);
      (*call.entry().mutable_arguments())["recipient"] = *recipient;
      if (!about_person) {
        prefix = storage::DisclosureToRecipientPrefix(call.scope().id(), RefOf(found->row.ref()));
      }
    } else if (!about_person) {
      return call.Refuse(authz::Reason::kMalformedRequest, {"subject"});
    }
    return List(call, request, prefix, subject_ref, held, recipient);
  }

 private:
  // The person, about whom the caller may see the ledger. A refusal, or nothing.
  static std::optional<Plan> OpenPerson(VaultCall& call, std::string_view name,
                                        std::string* subject_ref) {
    const std::optional<SubjectName> parsed = ParseSubjectName(name);
    if (!parsed.has_value() || parsed->tenant != call.tenant_id()) {
      return call.Refuse(authz::Reason::kMalformedRequest, {"subject"});
    }
    constexpr authz::Verb kVerbs[] = {authz::Verb::kReadDisclosures};
    const bool reader = ReadsLedger(call);
    if (!reader) {
      if (auto refused = DecideOneOf(call, kVerbs)) return refused;
    }
    SubjectState person;
    if (!reader) {
      if (auto refused = LoadPerson(call, parsed->subject, kVerbs, &person)) return refused;
    } else {
      absl::StatusOr<std::optional<SubjectState>> loaded =
          LoadSubject(call.deps().engine, call.scope(), parsed->subject, &call.changes());
      if (!loaded.ok()) return call.Refuse(loaded.status());
      if (!loaded->has_value()) return call.Refuse(authz::Reason::kNotFound);
      if ((*loaded)->erased()) return call.Refuse(authz::Reason::kSubjectErased);
      person = **std::move(loaded);
      call.entry().add_items()->set_subject_ref(person.row.subject_ref());
    }
    *subject_ref = person.row.subject_ref();
    return std::nullopt;
  }

  // By recipient.
  using Holdings = std::map<std::string, storage::v1::HoldingRow>;

  // Rows that lead from a person to disclosures are bound to nothing; that none was taken away the
  // holdings say, which are read along. A refusal, or nothing.
  static std::optional<Plan> CheckComplete(VaultCall& call, const storage::Id128& subject_ref,
                                           const storage::Key& prefix, Holdings* held) {
    uint64_t led_to = 0;
    absl::Status scanned =
        call.deps().engine.Scan(prefix, prefix.bytes, kMaxExamined,
                                [&](std::string_view, std::string_view) { return ++led_to; });
    if (!scanned.ok()) return call.Refuse(scanned);
    uint64_t given = 0;
    absl::Status opened;
    const storage::Key holdings = storage::HoldingPrefix(call.scope().id(), subject_ref);
    call.changes().reads.push_back(HoldingsCell(call.scope(), subject_ref));
    scanned = call.deps().engine.Scan(
        holdings, holdings.bytes, kMaxExamined, [&](std::string_view key, std::string_view value) {
          storage::Key whole{storage::Table::kSharing, std::string(key)};
          auto row = OpenVersionedRow<storage::v1::HoldingRow>(call.scope().keys(), whole, value);
          opened = row.status();
          if (!opened.ok()) return false;
          given += row->disclosures();
          const std::string recipient = row->recipient();
          (*held)[recipient] = *std::move(row);
          return true;
        });
    if (!scanned.ok()) return call.Refuse(scanned);
    if (!opened.ok()) return call.Refuse(opened);
    if (given > led_to && led_to < kMaxExamined) return call.Refuse(authz::Reason::kDataLoss);
    return std::nullopt;
  }

  Plan List(VaultCall& call, const v1::ListDisclosuresRequest& request, const storage::Key& prefix,
            std::string_view subject_ref, const Holdings& held,
            const std::optional<std::string>& recipient) {
    v1::ListDisclosuresRequest query(request);
    query.clear_page_size();
    query.clear_page_token();
    std::optional<storage::RecordLocator> after;
    if (auto refused = call.OpenPage(query, request.page_token(), request.page_size(), &after)) {
      return *std::move(refused);
    }
    const auto size =
        static_cast<size_t>(request.page_size() == 0 ? kDefaultPageSize : request.page_size());
    std::string start = prefix.bytes;
    if (after.has_value()) {
      start.append(after->subject.view().substr(0, 8));
      start.append(after->record.view());
      start.push_back('\0');
    }
    std::vector<std::string> keys;
    const absl::Status scanned =
        deps_.engine.Scan(prefix, start, size + 1, [&](std::string_view key, std::string_view) {
          keys.emplace_back(key);
          return true;
        });
    if (!scanned.ok()) return call.Refuse(scanned);
    auto* response = NewResponse<v1::ListDisclosuresResponse>(call.session().context());
    for (size_t i = 0; i < std::min(size, keys.size()); ++i) {
      call.Yield();
      if (auto refused = AddOne(call, keys[i], subject_ref, held, recipient, response)) {
        return *std::move(refused);
      }
    }
    if (keys.size() > size) {
      response->set_next_page_token(call.SealPage(CursorOf(keys[size - 1])));
    }
    return call.Finish(response);
  }

  // `key_to_it` is of the row that leads to it.
  std::optional<Plan> AddOne(VaultCall& call, std::string_view key_to_it,
                             std::string_view subject_ref, const Holdings& held,
                             const std::optional<std::string>& recipient,
                             v1::ListDisclosuresResponse* response) {
    const storage::Id128 id = storage::IdSuffix(key_to_it);
    absl::StatusOr<std::optional<DisclosureState>> disclosure =
        LoadDisclosure(deps_.engine, call.scope(), id, &call.changes());
    if (!disclosure.ok()) return call.Refuse(disclosure.status());
    if (!disclosure->has_value()) return call.Refuse(authz::Reason::kDataLoss);
    // A row that was put there to lead to one twice, in another's place.
    const auto begun = static_cast<uint64_t>((*disclosure)->row.start_micros());
    if (storage::IndexSuffix(key_to_it.substr(0, key_to_it.size() - storage::Id128::kSize)) !=
        begun) {
      return call.Refuse(authz::Reason::kDataLoss);
    }
    if (recipient.has_value() && (*disclosure)->row.recipient() != *recipient) return std::nullopt;
    v1::Disclosure* wire = response->add_disclosures();
    FillDisclosure(call, **disclosure, wire);
    if (subject_ref.empty()) return std::nullopt;
    const storage::Key key = storage::DisclosedKey(call.scope().id(), id, RefOf(subject_ref));
    call.changes().Read(key);
    const absl::StatusOr<std::string> value = deps_.engine.Get(key);
    if (absl::IsNotFound(value.status())) return call.Refuse(authz::Reason::kDataLoss);
    if (!value.ok()) return call.Refuse(value.status());
    const absl::StatusOr<DisclosedRow> row =
        OpenVersionedRow<DisclosedRow>(call.scope().keys(), key, *value);
    if (!row.ok()) return call.Refuse(row.status());
    AddRecords(subject_ref, *row, wire->mutable_records());
    const auto holding = held.find((*disclosure)->row.recipient());
    if (holding != held.end()) MarkOutdated(holding->second, wire->mutable_records());
    return std::nullopt;
  }

  const VaultDependencies& deps_;
};

class StreamDisclosedRecordsHandler : public Handler {
 public:
  explicit StreamDisclosedRecordsHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::StreamDisclosedRecordsRequest>(context);
    VaultCall call(context, deps_);
    const std::optional<TenantIdName> name = ParseDisclosureName(request.disclosure());
    if (auto refused = call.OpenTenant(name.has_value() ? name->tenant : std::string_view(),
                                       &request.usage())) {
      return *std::move(refused);
    }
    if (auto refused = DecideLedger(call)) return *std::move(refused);
    absl::StatusOr<std::optional<DisclosureState>> disclosure =
        LoadDisclosure(deps_.engine, call.scope(), name->id, &call.changes());
    if (!disclosure.ok()) return call.Refuse(disclosure.status());
    if (!disclosure->has_value()) return call.Refuse(authz::Reason::kNotFound);
    call.entry().set_resource(request.disclosure());
    auto* response = NewResponse<v1::StreamDisclosedRecordsResponse>(context);
    if (after_.empty()) FillDisclosure(call, **disclosure, response->mutable_disclosure());

    const storage::Key prefix = storage::DisclosedPrefix(call.scope().id(), name->id);
    std::string start = after_.empty() ? prefix.bytes : after_ + '\0';
    next_ = after_;
    size_t seen = 0;
    absl::Status opened;
    const absl::Status scanned = deps_.engine.Scan(
        prefix, start, kPeopleAtATime, [&](std::string_view key, std::string_view value) {
          ++seen;
          next_ = key;
          storage::Key whole{storage::Table::kSharing, std::string(key)};
          const absl::StatusOr<DisclosedRow> row =
              OpenVersionedRow<DisclosedRow>(call.scope().keys(), whole, value);
          opened = row.status();
          if (!opened.ok()) return false;
          const storage::Id128 ref = storage::IdSuffix(key);
          AddRecords(ref.view(), *row, response->mutable_records());
          call.entry().add_items()->set_subject_ref(std::string(ref.view()));
          return true;
        });
    if (!scanned.ok()) return call.Refuse(scanned);
    if (!opened.ok()) return call.Refuse(opened);
    next_at_end_ = seen < kPeopleAtATime;
    return call.Finish(response);
  }

  void Committed(const storage::LogPosition*) override {
    after_ = next_;
    at_end_ = next_at_end_;
  }
  bool HasMore() const override { return !at_end_; }

 private:
  const VaultDependencies& deps_;
  std::string after_;  // key of the last row that was sent
  std::string next_;
  bool at_end_ = false;
  bool next_at_end_ = false;
};

}  // namespace

bool ReadsLedger(const VaultCall& call) {
  return authz::DecideSystemRole(
             call.session().principal(),
             {authz::SystemRole::kPrivacyOfficer, authz::SystemRole::kVaultAuditor},
             call.now()) == authz::Reason::kOk;
}

std::optional<Plan> DecideLedger(VaultCall& call) {
  if (ReadsLedger(call)) return std::nullopt;
  constexpr authz::Verb kVerbs[] = {authz::Verb::kReadDisclosures};
  // Of all people: not for those who may see what concerns one.
  PersonDecision granted;
  return DecideOneOf(call, kVerbs, PersonFacts(), &granted);
}

std::unique_ptr<Handler> NewListDisclosures(const VaultDependencies& dependencies) {
  return std::make_unique<ListDisclosuresHandler>(dependencies);
}
std::unique_ptr<Handler> NewStreamDisclosedRecords(const VaultDependencies& dependencies) {
  return std::make_unique<StreamDisclosedRecordsHandler>(dependencies);
}

}  // namespace piivault::vault
