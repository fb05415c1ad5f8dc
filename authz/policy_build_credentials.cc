// How credentials are chosen, and how long they hold.

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

constexpr int64_t kMaxLength = 128;
constexpr int64_t kMaxAttempts = 100;

// "30d" as ReadDuration() has taken it: a duration, or months of the calendar.
struct Period {
  absl::Duration duration = absl::ZeroDuration();
  uint32_t months = 0;
};

Period PeriodOf(const std::string& text) {
  if (const std::optional<absl::Duration> fixed = FixedDuration(text)) return {*fixed, 0};
  const int count = std::atoi(text.c_str());
  return {absl::ZeroDuration(), static_cast<uint32_t>(text.ends_with("mo") ? count : 12 * count)};
}

}  // namespace

void PolicyBuilder::ReadCredentials(MapReader& root) {
  ForEachItem(root, "credentials", "credential rule",
              [this](MapReader& reader) { ReadCredentialRule(reader); });
}

void PolicyBuilder::ReadCredentialRule(MapReader& reader) {
  CredentialRule rule;
  rule.origin = reader.ReadOrigin();
  if (reader.Require("fields") != nullptr) rule.fields = SelectIds(reader, "fields");
  for (FieldId id : rule.fields) {
    const FieldSpec& field = policy_->fields_[id];
    if (!field.one_way) {
      diagnostics_->Error(
          reader.PlaceOf("fields"),
          absl::StrCat("'", field.full_name, "' is not a credential that is stored one way"),
          "store: one_way");
    }
    for (const CredentialRule& other : policy_->credential_rules_) {
      if (std::find(other.fields.begin(), other.fields.end(), id) == other.fields.end()) continue;
      diagnostics_->Error(reader.PlaceOf("fields"),
                          absl::StrCat("'", field.full_name, "' has a rule already"));
    }
  }
  rule.classes = reader.WordList("classes", vocabulary::kCharacterClasses);
  rule.min_length =
      static_cast<uint32_t>(reader.Int("min_length", 1, kMaxLength, int64_t{rule.min_length}));
  ReadCredentialAge(rule, reader);
  rule.one_time = reader.Bool("one_time") || rule.one_time;
  rule.attempts =
      static_cast<uint32_t>(reader.Int("attempts", 1, kMaxAttempts, int64_t{rule.attempts}));
  if (const std::string lock = reader.Duration("lock"); !lock.empty()) {
    rule.lock = PeriodOf(lock).duration;
    if (rule.lock < absl::Seconds(1)) {
      diagnostics_->Error(reader.PlaceOf("lock"), "not a time that a lock can last",
                          "for example 15m or 1d");
    }
  }
  reader.Finish();
  policy_->credential_rules_.push_back(std::move(rule));
}

// A duration, `one_time` or `none`.
void PolicyBuilder::ReadCredentialAge(CredentialRule& rule, MapReader& reader) {
  const YamlNode* node = reader.Get("max_age");
  if (node == nullptr || (node->is_scalar() && node->scalar == "none")) return;
  if (node->is_scalar() && node->scalar == "one_time") {
    rule.one_time = true;
    return;
  }
  const std::string text = ReadDuration(*node, diagnostics_);
  if (text.empty()) return;
  const Period period = PeriodOf(text);
  if (period.months == 0 && period.duration == absl::ZeroDuration()) {
    diagnostics_->Error(node->place, "a credential that is too old at once is none",
                        "for example 90d or 1mo; one_time; or none");
    return;
  }
  rule.max_age_months = period.months;
  if (period.months == 0) rule.max_age = period.duration;
}

}  // namespace piivault::authz
