// GetRecord, ListRecords, SearchRecords, LookupRecord, GetSubject.
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "piivault/v1/vault_service.pb.h"
#include "vault/records/field_terms.h"
#include "vault/records/record_finder.h"
#include "vault/service/vault_call.h"
#include "vault/service/vault_handlers.h"
#include "vault/service/vault_page.h"

namespace piivault::vault {
namespace {

class GetRecordHandler : public Handler {
 public:
  explicit GetRecordHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::GetRecordRequest>(context);
    VaultCall call(context, deps_);
    RecordName name;
    if (auto refused = call.OpenRecord(request.name(), nullptr, &name)) return *std::move(refused);
    if (auto refused = call.DecideAnyType(authz::Verb::kReadMetadata, {}, false, TypeIn(name))) {
      return *std::move(refused);
    }
    absl::StatusOr<LoadResult> loaded = call.Resolve(name);
    if (!loaded.ok()) return call.Refuse(loaded.status());
    if (!loaded->ok()) return call.Refuse(loaded->reason);
    const LoadedRecord& record = *loaded->record;
    const PersonDecision decision = call.Decide(
        authz::Verb::kReadMetadata, call.policy().FindType(record.header().type()), {}, record);
    if (!decision.granted()) return call.Refuse(decision, &record);
    call.Describe(decision);
    call.AddFields(decision, call.AddItem(&record));
    auto* response = NewResponse<v1::GetRecordResponse>(context);
    FillRecord(call.tenant_id(), record, response->mutable_record());
    return call.Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

size_t PageSizeOf(int32_t requested) {
  return static_cast<size_t>(requested == 0 ? kDefaultPageSize : requested);
}

// Of the records of a page, in their order; there may be one more, of a record that did not fit.
using Decisions = std::vector<PersonDecision>;

// Keeps the decision where it lets the record be seen.
authz::Reason KeepGranted(PersonDecision decision, Decisions* granted) {
  if (!decision.granted()) return authz::Reason::kNotFound;
  granted->push_back(std::move(decision));
  return authz::Reason::kOk;
}

// Puts a page into the response and the entry; `searched` is the field it was found by, or null.
template <typename Response>
Plan AnswerPage(VaultCall& call, absl::StatusOr<RecordPage> page, const Decisions& decisions,
                const authz::FieldSpec* searched, Response* response) {
  if (!page.ok()) return call.Refuse(page.status());
  if (page->reason != authz::Reason::kOk) return call.Refuse(page->reason);
  for (size_t i = 0; i < page->records.size(); ++i) {
    const LoadedRecord& record = *page->records[i];
    FillRecord(call.tenant_id(), record, response->add_records());
    call.Describe(decisions[i], call.AddItem(&record));
  }
  if (searched != nullptr) {
    // The entry says by which field, also where nothing was found.
    if (page->records.empty()) call.entry().add_items();
    call.entry().mutable_items(0)->add_fields(searched->full_name);
  }
  if (page->next.has_value()) response->set_next_page_token(call.SealPage(*page->next));
  return call.Finish(response);
}

class ListRecordsHandler : public Handler {
 public:
  explicit ListRecordsHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::ListRecordsRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), nullptr)) return *std::move(refused);
    const authz::TypeId type = call.policy().FindType(request.type());
    if (auto refused = call.DecideType(authz::Verb::kList, type, {}, false)) {
      return *std::move(refused);
    }
    v1::ListRecordsRequest bound = request;
    bound.clear_page_token();
    bound.clear_page_size();
    std::optional<storage::RecordLocator> after;
    if (auto refused = call.OpenPage(bound, request.page_token(), request.page_size(), &after)) {
      return *std::move(refused);
    }
    Decisions decisions;
    RecordFinder finder(deps_.engine, call.scope(), &call.changes());
    absl::StatusOr<RecordPage> page = CollectPage(
        call, PageSizeOf(request.page_size()), after,
        [&](const storage::RecordLocator* place, size_t limit) {
          return finder.FindType(request.type(), place, limit);
        },
        [&](LoadedRecord* record) {
          if (record->type() != request.type()) {
            CountStray(call);
            return authz::Reason::kNotFound;
          }
          return KeepGranted(call.Decide(authz::Verb::kList, type, {}, *record), &decisions);
        });
    return AnswerPage(call, std::move(page), decisions, nullptr,
                      NewResponse<v1::ListRecordsResponse>(context));
  }

 private:
  const VaultDependencies& deps_;
};

// What is looked for, in the forms that the index has it.
authz::Reason TermOf(const VaultCall& call, const authz::FieldSpec& field, std::string_view value,
                     bool domain_allowed, std::optional<SearchTerm>* term) {
  if (value.empty()) return authz::Reason::kMalformedRequest;
  const uint32_t max_bytes = field.max_bytes != 0
                                 ? field.max_bytes
                                 : authz::GetSemanticType(field.semantic).default_max_bytes;
  if (value.size() > max_bytes) return authz::Reason::kValueTooLarge;
  const bool by_domain = domain_allowed && field.index_domain && value.front() == '@';
  if (!by_domain && !field.index && !field.unique) return authz::Reason::kFieldNotSearchable;
  bool IndexForm::*const kind = by_domain ? &IndexForm::domain : &IndexForm::whole;
  const FieldIndex* const index = call.scope().indexes().Find(field.full_name);
  // To say that nothing was found would be wrong.
  if (index == nullptr || !index->covers(kind)) return authz::Reason::kIndexBuilding;
  absl::StatusOr<SearchTerm> made =
      SearchTerm::Of(call.deps().rules, field.full_name, *index, kind, value);
  if (!made.ok()) return by_domain ? authz::Reason::kValueInvalid : authz::Reason::kValueNotUtf8;
  *term = *std::move(made);
  return authz::Reason::kOk;
}

// Whether a hit is one: kNotFound where it was one by a form that is not wanted any more, kDataLoss
// where the index row was moved.
authz::Reason JudgeHitOf(const VaultCall& call, const authz::FieldSpec& field,
                         const SearchTerm& term, LoadedRecord* record) {
  if (record->type() != call.policy().type(field.type).name) return authz::Reason::kDataLoss;
  const absl::StatusOr<Hit> hit = CheckHit(call.deps().rules, term, record);
  if (!hit.ok() || *hit == Hit::kStray) return authz::Reason::kDataLoss;
  return *hit == Hit::kIs ? authz::Reason::kOk : authz::Reason::kNotFound;
}

class SearchRecordsHandler : public Handler {
 public:
  explicit SearchRecordsHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::SearchRecordsRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    const authz::TypeId type = call.policy().FindType(request.type());
    FieldIds ids;
    const std::string_view name = request.field();
    call.ResolveFields(type, {&name, 1}, &ids);
    if (auto refused = call.DecideType(authz::Verb::kSearch, type, ids, false)) {
      return *std::move(refused);
    }
    const authz::FieldSpec& field = call.policy().field(ids.front());
    std::optional<SearchTerm> term;
    const authz::Reason reason = TermOf(call, field, request.value(), true, &term);
    if (reason != authz::Reason::kOk) return call.Refuse(reason, {field.full_name});
    v1::SearchRecordsRequest bound = request;
    bound.clear_page_token();
    bound.clear_page_size();
    std::optional<storage::RecordLocator> after;
    auto refused = call.OpenPage(bound, request.page_token(), request.page_size(), &after);
    Wipe(bound.mutable_value());
    if (refused) return *std::move(refused);

    Decisions decisions;
    RecordFinder finder(deps_.engine, call.scope(), &call.changes());
    absl::StatusOr<RecordPage> page = CollectPage(
        call, PageSizeOf(request.page_size()), after,
        [&](const storage::RecordLocator* place, size_t limit) {
          return finder.FindTerm(*term, place, limit);
        },
        [&](LoadedRecord* record) {
          const authz::Reason hit = JudgeHitOf(call, field, *term, record);
          if (hit != authz::Reason::kOk) return hit;
          return KeepGranted(call.Decide(authz::Verb::kSearch, type, ids, *record), &decisions);
        });
    return AnswerPage(call, std::move(page), decisions, &field,
                      NewResponse<v1::SearchRecordsResponse>(context));
  }

 private:
  const VaultDependencies& deps_;
};

class LookupRecordHandler : public Handler {
 public:
  explicit LookupRecordHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::LookupRecordRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    const FieldNames names = NamesOf(request.fields());
    if (auto refused = call.CheckFieldNames(names, false)) return *std::move(refused);
    const authz::TypeId type = call.policy().FindType(request.type());
    FieldIds by;
    const std::string_view name = request.field();
    call.ResolveFields(type, {&name, 1}, &by);
    if (auto refused = call.DecideType(authz::Verb::kLookup, type, by, false)) {
      return *std::move(refused);
    }
    FieldIds ids;
    call.ResolveFields(type, names, &ids);
    if (!ids.empty()) {
      if (auto refused =
              call.DecideType(authz::Verb::kReveal, type, ids, request.allow_partial())) {
        return *std::move(refused);
      }
    }
    const authz::FieldSpec& field = call.policy().field(by.front());
    std::optional<SearchTerm> term;
    const authz::Reason reason = TermOf(call, field, request.value(), false, &term);
    if (reason != authz::Reason::kOk) return call.Refuse(reason, {field.full_name});

    // The decisions about the hit that was seen last: the only one, if there is an answer.
    PersonDecision lookup;
    PersonDecision reveal;
    RecordFinder finder(deps_.engine, call.scope(), &call.changes());
    absl::StatusOr<RecordPage> page = CollectPage(
        call, 1, std::nullopt,
        [&](const storage::RecordLocator* place, size_t limit) {
          return finder.FindTerm(*term, place, limit);
        },
        [&](LoadedRecord* record) {
          const authz::Reason hit = JudgeHitOf(call, field, *term, record);
          if (hit != authz::Reason::kOk) return hit;
          const PersonFacts person(call.tenant_id(), *record, call.policy(), call.now());
          PersonDecision by_value = call.Decide(authz::Verb::kLookup, type, by, person);
          PersonDecision values;
          if (!ids.empty()) values = call.Decide(authz::Verb::kReveal, type, ids, person);
          const bool usable = by_value.granted() && (ids.empty() || values.granted() ||
                                                     (request.allow_partial() && values.partial()));
          if (!usable) return authz::Reason::kNotFound;
          lookup = std::move(by_value);
          reveal = std::move(values);
          return authz::Reason::kOk;
        });
    if (!page.ok()) return call.Refuse(page.status());
    if (page->reason != authz::Reason::kOk) return call.Refuse(page->reason);
    // Most hits were the same by a form that is not wanted any more; behind them nobody looked.
    if (page->cut && call.scope().indexes().Find(field.full_name)->rebuilding()) {
      return call.Refuse(authz::Reason::kIndexBuilding, {field.full_name});
    }
    if (page->records.empty() || page->next.has_value()) {
      call.entry().add_items()->add_fields(field.full_name);
      return call.Refuse(page->records.empty() ? authz::Reason::kNotFound
                                               : authz::Reason::kAmbiguous);
    }
    LoadedRecord& record = *page->records.front();
    WireWriter response;
    absl::Status released = ReleaseRecord(call, reveal, &record, Denied::kNamed,
                                          v1::LookupRecordResponse::kRecordFieldNumber, &response);
    if (!released.ok()) return call.Refuse(released);
    storage::v1::EntryItem* item = call.AddItem(&record);
    call.Describe(ids.empty() ? lookup : reveal);
    call.AddFields(lookup, item);
    if (!ids.empty()) {
      item->clear_fields();
      call.Describe(lookup, item);
      call.AddFields(reveal, item);
      if (!reveal.granted()) call.MarkPartial(reveal.reason);
    }
    return call.Finish(std::move(response));
  }

 private:
  const VaultDependencies& deps_;
};

class GetSubjectHandler : public Handler {
 public:
  explicit GetSubjectHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::GetSubjectRequest>(context);
    VaultCall call(context, deps_);
    const std::optional<SubjectName> name = ParseSubjectName(request.name());
    if (auto refused =
            call.OpenTenant(name.has_value() ? name->tenant : std::string_view(), nullptr)) {
      return *std::move(refused);
    }
    if (auto refused = call.DecideTenant(authz::Verb::kReadSubject)) return *std::move(refused);
    absl::StatusOr<std::optional<SubjectState>> subject =
        LoadSubject(deps_.engine, call.scope(), name->subject, &call.changes());
    if (!subject.ok()) return call.Refuse(subject.status());
    if (!subject->has_value()) return call.Refuse(authz::Reason::kNotFound);
    if ((*subject)->erased()) return call.Refuse(authz::Reason::kSubjectErased);
    const PersonDecision decision =
        call.Decide(authz::Verb::kReadSubject, authz::kNoType, {}, **subject);
    if (!decision.granted()) return call.Refuse(decision);
    call.Describe(decision);
    storage::v1::EntryItem* const person = call.entry().add_items();
    person->set_subject_ref((*subject)->row.subject_ref());

    Decisions decisions;
    RecordFinder finder(deps_.engine, call.scope(), &call.changes());
    absl::StatusOr<RecordPage> page = CollectPage(
        call, kMaxItems, std::nullopt,
        [&](const storage::RecordLocator* place, size_t limit) {
          return finder.FindSubject(name->subject, place == nullptr ? nullptr : &place->record,
                                    limit);
        },
        [&](LoadedRecord* record) {
          return KeepGranted(
              call.Decide(authz::Verb::kReadMetadata,
                          call.policy().FindType(record->header().type()), {}, *record),
              &decisions);
        });
    if (!page.ok()) return call.Refuse(page.status());
    if (page->reason != authz::Reason::kOk) return call.Refuse(page->reason);
    auto* response = NewResponse<v1::GetSubjectResponse>(context);
    response->set_name(request.name());
    for (size_t i = 0; i < page->records.size(); ++i) {
      const LoadedRecord& record = *page->records[i];
      FillRecord(call.tenant_id(), record, response->add_records());
      const bool by_other = !call.OtherRole(decisions[i]).empty();
      call.Describe(decisions[i], by_other ? call.AddItem(&record) : person);
    }
    return call.Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewGetRecord(const VaultDependencies& dependencies) {
  return std::make_unique<GetRecordHandler>(dependencies);
}
std::unique_ptr<Handler> NewListRecords(const VaultDependencies& dependencies) {
  return std::make_unique<ListRecordsHandler>(dependencies);
}
std::unique_ptr<Handler> NewSearchRecords(const VaultDependencies& dependencies) {
  return std::make_unique<SearchRecordsHandler>(dependencies);
}
std::unique_ptr<Handler> NewLookupRecord(const VaultDependencies& dependencies) {
  return std::make_unique<LookupRecordHandler>(dependencies);
}
std::unique_ptr<Handler> NewGetSubject(const VaultDependencies& dependencies) {
  return std::make_unique<GetSubjectHandler>(dependencies);
}

}  // namespace piivault::vault
