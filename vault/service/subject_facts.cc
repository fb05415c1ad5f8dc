#include "vault/service/subject_facts.h"

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "storage/id.h"
#include "vault/retention/retained_fields.h"
#include "vault/rights/subject_request.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

using storage::v1::SubjectUse;

absl::Time EndOf(int64_t micros) {
  return micros == 0 ? absl::InfiniteFuture() : absl::FromUnixMicros(micros);
}

// The name that the bytes of an id stand for; empty for none.
std::string NameOf(std::string_view tenant, std::string_view id) {
  const std::optional<storage::Id128> subject = storage::Id128::FromBytes(id);
  return subject.has_value() ? MakeSubjectName(tenant, *subject) : std::string();
}

}  // namespace

struct PersonFacts::Lists {
  // Adds texts that stay where they are; REQUIRES: `words` has room for them.
  absl::Span<const std::string_view> Add(
      const google::protobuf::RepeatedPtrField<std::string>& texts) {
    const size_t begin = words.size();
    words.insert(words.end(), texts.begin(), texts.end());
    return absl::MakeConstSpan(words).subspan(begin);
  }

  // The full name of the tenant's recipient; empty for none. The same of `recipients`.
  std::string_view AddRecipient(std::string_view tenant, std::string_view id) {
    if (id.empty()) return {};
    return recipients.emplace_back(RecipientResource(tenant, id));
  }

  std::string holder;
  std::vector<std::string> agents;
  std::vector<std::string> recipients;
  std::vector<std::string_view> words;
  std::vector<authz::UseStop> stops;
  std::vector<std::string_view> frozen;
  std::vector<authz::ConsentFact> consents;  // in the order of the row
  std::vector<authz::RepresentativeFact> representatives;
  std::vector<authz::MatterFact> matters;
};

PersonFacts::PersonFacts() = default;
PersonFacts::~PersonFacts() = default;

PersonFacts::PersonFacts(std::string_view tenant, const SubjectState& subject)
    : name_(MakeSubjectName(tenant, subject.id)), subject_ref_(subject.row.subject_ref()) {
  facts_.subject = name_;
  facts_.erased = subject.erased();
  if (subject.row.has_use()) Fill(tenant, subject.row.use());
}

PersonFacts::PersonFacts(std::string_view tenant, const LoadedRecord& record,
                         const authz::Policy& policy, absl::Time now)
    : PersonFacts(tenant, record.subject) {
  facts_.notice = record.header().notice();
  facts_.controller = record.header().controller();
  Close(record, policy, now);
}

void PersonFacts::Close(const LoadedRecord& record, const authz::Policy& policy, absl::Time now) {
  for (const RetainedField& one : RetainedFields(policy, record)) {
    if (one.times.DueAt(now)) expired_.push_back(one.field->full_name);
    if (one.times.KeptByLawAt(now)) kept_by_law_.push_back(one.field->full_name);
  }
  facts_.expired = expired_;
  facts_.kept_by_law = kept_by_law_;
}

void PersonFacts::Fill(std::string_view tenant, const SubjectUse& use) {
  use_ = &use;
  facts_.unsubscribed = use.unsubscribed();
  facts_.contract_active = !use.contract_ended();
  facts_.department = use.department();
  if (use.has_birth_day()) facts_.born = DayOfNumber(use.birth_day());
  const bool lists = !use.holder().empty() || !use.stops().empty() || !use.consents().empty() ||
                     !use.mandates().empty() || !use.matters().empty() || !use.requests().empty();
  if (!lists) return;

  lists_ = std::make_unique<Lists>();
  lists_->holder = NameOf(tenant, use.holder());
  facts_.holder = lists_->holder;
  for (const storage::v1::UseStopRow& stop : use.stops()) {
    lists_->stops.push_back({stop.fields(), stop.purpose()});
  }
  facts_.stops = lists_->stops;
  lists_->frozen = FrozenFields(use);
  facts_.frozen = lists_->frozen;

  size_t words = 0;
  size_t recipients = 0;
  for (const storage::v1::ConsentRow& row : use.consents()) {
    words += static_cast<size_t>(row.fields_size());
    if (!row.recipient().empty()) ++recipients;
  }
  for (const storage::v1::MatterRow& row : use.matters()) {
    words += static_cast<size_t>(row.purposes_size());
  }
  lists_->words.reserve(words);
  lists_->recipients.reserve(recipients);
  for (const storage::v1::ConsentRow& row : use.consents()) {
    lists_->consents.push_back({.id = row.consent(),
                                .purpose = row.purpose(),
                                .fields = lists_->Add(row.fields()),
                                .given = absl::FromUnixMicros(row.give_micros()),
                                .withdrawn = EndOf(row.withdraw_micros()),
                                .by_guardian = !row.guardian_relation().empty(),
                                .recipient = lists_->AddRecipient(tenant, row.recipient())});
  }
  facts_.consents = lists_->consents;
  for (const storage::v1::MatterRow& row : use.matters()) {
    lists_->matters.push_back({.kind = row.kind(),
                               .id = row.id(),
                               .state = row.state(),
                               .party = row.party(),
                               .not_after = EndOf(row.not_after_micros()),
                               .purposes = lists_->Add(row.purposes())});
  }
  facts_.matters = lists_->matters;

  lists_->agents.reserve(static_cast<size_t>(use.mandates_size()));
  for (const storage::v1::MandateRow& row : use.mandates()) {
    lists_->agents.push_back(NameOf(tenant, row.agent()));
    lists_->representatives.push_back({lists_->agents.back(), EndOf(row.not_after_micros())});
  }
  facts_.representatives = lists_->representatives;
}

std::string_view PersonFacts::ConsentIdOf(const authz::ConsentFact* fact) const {
  if (fact == nullptr || lists_ == nullptr) return {};
  return use_->consents(static_cast<int>(fact - lists_->consents.data())).id();
}

}  // namespace piivault::vault
