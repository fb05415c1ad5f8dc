// What people agree to and are told: consent, notices at collection, age, what staff acknowledges.

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

constexpr int64_t kMaxAge = 120;

bool Has(const ConsentSpec& consent, std::string_view event) {
  return std::find(consent.event.begin(), consent.event.end(), event) != consent.event.end();
}

// "30d" or "6w" in days; nothing for other units.
std::optional<int> DaysOf(const std::string& duration) {
  if (duration.empty()) return std::nullopt;
  int count = 0;
  if (duration == "0") return 0;
  if (!absl::SimpleAtoi(duration.substr(0, duration.size() - 1), &count)) return std::nullopt;
  if (duration.back() == 'd') return count;
  if (duration.back() == 'w') return count * 7;
  return std::nullopt;
}

}  // namespace

void PolicyBuilder::ReadConsent(MapReader& root) {
  const YamlNode* node = root.Get("consent");
  if (node == nullptr) return;
  if (!node->is_sequence()) {
    diagnostics_->Error(node->place, "'consent': a list is needed", "consent: []");
    return;
  }
  if (node->items.size() > Policy::kMaxConsents) {
    diagnostics_->Error(node->place, absl::StrCat("more than ", Policy::kMaxConsents, " consents"));
    return;
  }
  for (const YamlNode& item : node->items) {
    MapReader reader(item, "consent", diagnostics_);
    ConsentSpec consent;
    reader.Require("id");
    consent.id = reader.Identifier("id");
    if (!consent.id.empty()) Claim("consent", consent.id, reader.PlaceOf("id"));
    consent.origin = reader.ReadOrigin();
    reader.Require("event");
    consent.event = reader.WordList("event", vocabulary::kConsentEvents);
    consent.fields = SelectIds(reader, "fields");
    reader.Require("when");
    consent.when = reader.Word("when", vocabulary::kConsentWhen);
    consent.who = reader.Word("who", vocabulary::kConsentWho, "subject");
    consent.under_age = static_cast<uint32_t>(reader.Int("under_age", 1, kMaxAge, 0));
    consent.scope = reader.Word("scope", vocabulary::kConsentScopes);
    reader.Finish();
    CheckConsent(consent, reader);
    policy_->consent_.push_back(std::move(consent));
  }
}

void PolicyBuilder::CheckConsent(const ConsentSpec& consent, const MapReader& reader) {
  const bool collection = Has(consent, "collection") || Has(consent, "link");
  if (Has(consent, "link") && consent.fields.empty()) {
    diagnostics_->Error(reader.place(), "a link that needs consent brings fields", "fields: [...]");
  }
  const bool of_purpose = Has(consent, "purpose_extension") || Has(consent, "policy_change");
  if (of_purpose && !consent.fields.empty()) {
    diagnostics_->Error(reader.PlaceOf("fields"), "consent to a purpose is to all that it needs",
                        "grants say which fields; other events in an own item");
  }
  if (collection && !consent.when.empty() && consent.when != "before_collection" &&
      consent.when != "at_collection" && consent.when != "at_link") {
    diagnostics_->Error(reader.PlaceOf("when"), "too late for data that comes in",
                        "before_collection, at_collection, at_link; other events in an own item");
  }
  if (collection && consent.who == "registered_user") {
    diagnostics_->Error(reader.PlaceOf("who"), "data comes in with consent of subject or guardian");
  }
  if (collection && consent.scope == "agreed_items" && consent.fields.empty()) {
    diagnostics_->Error(reader.PlaceOf("scope"), "agreed items are of fields", "fields: [...]");
  }
  if (!collection && (consent.under_age > 0 || consent.who == "guardian")) {
    diagnostics_->Error(reader.PlaceOf(consent.under_age > 0 ? "under_age" : "who"),
                        "age and guardian are asked for when data comes in",
                        "event: collection, or link");
  }
}

void PolicyBuilder::CheckPurposeConsents() {
  const bool any = std::any_of(
      policy_->consent_.begin(), policy_->consent_.end(), [](const ConsentSpec& consent) {
        return Has(consent, "purpose_extension") || Has(consent, "policy_change");
      });
  for (const PurposeSpec& purpose : policy_->purposes_) {
    const Place place{&policy_->text_.name, purpose.origin.line, 1};
    if (purpose.consent && !any) {
      diagnostics_->Error(
          place,
          absl::StrCat("purpose '", purpose.name,
                       "' needs consent, and there is none that anybody could give"),
          "consent: - {id: other-purpose, event: purpose_extension, when: "
          "before_use}");
    }
    for (PurposeId parent : purpose.parents) {
      if (!policy_->purposes_[parent].consent || purpose.consent) continue;
      diagnostics_->Error(
          place,
          absl::StrCat("purpose '", purpose.name, "' follows from '",
                       policy_->purposes_[parent].name, "', which needs consent, without it"),
          "consent: required");
    }
  }
}

void PolicyBuilder::ReadCollectionNotices(MapReader& root) {
  const YamlNode* node = root.Get("collection_notices");
  policy_->notice_required_ = root.Bool("notice_required");
  const bool none = node == nullptr || (node->is_map() && node->entries.empty());
  if (policy_->notice_required_ && none) {
    diagnostics_->Error(root.PlaceOf("notice_required"), "the policy has no collection_notices");
  }
  if (node == nullptr) return;
  MapReader all(*node, "collection_notices", diagnostics_);
  if (!node->is_map()) return;
  for (const YamlNode::Entry& entry : node->entries) {
    const YamlNode& key = entry.first;
    if (!IsIdentifier(key.scalar, true)) {
      diagnostics_->Error(key.place, absl::StrCat(Quote(key.scalar), " is not a notice's name"),
                          "ASCII letters, digits, '_', '-' and '.', starting with a letter");
      continue;
    }
    if (!Claim("collection notice", key.scalar, key.place)) continue;
    if (policy_->collection_notices_.size() >= Policy::kMaxCollectionNotices) {
      diagnostics_->Error(key.place,
                          absl::StrCat("more than ", Policy::kMaxCollectionNotices, " notices"));
      return;
    }
    CollectionNoticeSpec notice;
    notice.id = key.scalar;
    MapReader reader(entry.second, absl::StrCat("collection notice '", notice.id, "'"),
                     diagnostics_);
    notice.labels = reader.LabelsOf("label");
    notice.origin = reader.ReadOrigin();
    const YamlNode* purposes = reader.Require("purposes");
    notice.purposes = SelectPurposes(reader, "purposes");
    reader.Finish();
    if (purposes != nullptr && purposes->is_sequence() && purposes->items.empty()) {
      diagnostics_->Error(purposes->place, "a notice names what the data is for");
    }
    policy_->collection_notices_.push_back(std::move(notice));
  }
}

void PolicyBuilder::ReadAge(MapReader& root) {
  const YamlNode* node = root.Get("age");
  if (node == nullptr) return;
  MapReader reader(*node, "age", diagnostics_);
  AgeSpec& age = policy_->age_;
  age.origin = reader.ReadOrigin();
  const std::string reached = reader.Word("reached", vocabulary::kAgeReached, "on_birthday");
  age.reached = reached == "day_before" ? AgeReached::kDayBefore : AgeReached::kOnBirthday;
  age.unknown_allowed = reader.Word("unknown", vocabulary::kAgeUnknown, "refuse") == "allow";
  reader.Finish();
}

void PolicyBuilder::ReadAcknowledgement(MapReader& root) {
  const YamlNode* node = root.Get("acknowledgement");
  if (node == nullptr) return;
  MapReader reader(*node, "acknowledgement", diagnostics_);
  AcknowledgementSpec spec;
  spec.origin = reader.ReadOrigin();
  reader.Require("document");
  spec.document_sha256 = reader.String("document");
  if (!spec.document_sha256.empty() && !IsSha256Hex(spec.document_sha256)) {
    diagnostics_->Error(reader.PlaceOf("document"), "64 lower-case hexadecimal digits are needed",
                        "sha256sum of the text");
  }
  const YamlNode* from = reader.Get("from");
  const YamlNode* within = reader.Get("within");
  if ((from == nullptr) != (within == nullptr)) {
    diagnostics_->Error(reader.place(), "'from' and 'within' go together",
                        "without them it is asked for at once");
  }
  const std::optional<absl::CivilDay> day = ReadDay(reader, "from");
  const std::string period = reader.Duration("within");
  const std::optional<int> days = DaysOf(period);
  if (!period.empty() && !days.has_value()) {
    diagnostics_->Error(within->place, "days or weeks are needed", "within: 30d");
  }
  if (day.has_value() && days.has_value()) spec.by = policy_->EndOfDay(*day + *days);
  reader.Finish();
  policy_->acknowledgement_ = std::move(spec);
}

}  // namespace piivault::authz
