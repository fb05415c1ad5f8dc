// Test cases: what is known of the person whose data a made-up call is about.

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/policy_cases.h"

namespace piivault::authz {

std::optional<absl::CivilDay> PolicyBuilder::ReadDay(MapReader& reader, std::string_view key) {
  const YamlNode* node = reader.Get(key);
  if (node == nullptr) return std::nullopt;
  absl::CivilDay day;
  if (node->is_scalar() && node->scalar.size() == 10 && absl::ParseCivilTime(node->scalar, &day)) {
    return day;
  }
  diagnostics_->Error(node->place, "not a day", "2025-04-01");
  return std::nullopt;
}

void PolicyBuilder::ForEachItem(MapReader& reader, std::string_view key, std::string_view what,
                                absl::FunctionRef<void(MapReader&)> read) {
  const YamlNode* node = reader.Get(key);
  if (node == nullptr) return;
  if (!node->is_sequence()) {
    diagnostics_->Error(node->place, absl::StrCat("'", std::string(key), "': a list is needed"));
    return;
  }
  for (const YamlNode& item : node->items) {
    MapReader inner(item, what, diagnostics_);
    read(inner);
    inner.Finish();
  }
}

void PolicyBuilder::ReadCaseSubject(PolicyCase& c, MapReader& reader) {
  c.subject = std::string(kCaseSubject);
  const YamlNode* node = reader.Get("subject");
  if (node == nullptr) return;
  MapReader inner(*node, "subject", diagnostics_);
  if (inner.Bool("new")) c.subject.clear();
  c.erased = inner.Bool("erased");
  const auto read_fields = [&](std::string_view key, std::vector<std::string>* names) {
    for (FieldId id : SelectIds(inner, key)) names->push_back(policy_->field(id).full_name);
  };
  read_fields("frozen", &c.frozen);
  read_fields("kept_by_law", &c.kept_by_law);
  read_fields("expired", &c.expired);
  c.unsubscribed = inner.Bool("unsubscribed");
  c.contract_active = inner.Bool("contract_active", true);
  c.department = inner.String("department");
  c.holder = inner.String("holder");
  c.subject_born = ReadDay(inner, "born");
  c.subject_notice = inner.String("notice");
  c.controller = inner.String("controller");
  ForEachItem(inner, "stops", "stop", [&](MapReader& stop) {
    std::string fields = stop.String("fields");
    std::string purpose = stop.String("for");
    c.stops.emplace_back(std::move(fields), std::move(purpose));
  });
  ForEachItem(inner, "represented_by", "representative", [&](MapReader& one) {
    one.Require("subject");
    const YamlNode* until = one.Get("until");
    c.representatives.emplace_back(
        one.String("subject"), until == nullptr ? absl::InfiniteFuture() : ReadTime(*until, true));
  });
  c.subject_matters = ReadCaseMatters(inner);
  ReadCaseConsents(c, inner);
  inner.Finish();
}

void PolicyBuilder::ReadCaseConsents(PolicyCase& c, MapReader& reader) {
  if (reader.Bool("consented")) {
    const auto& specs = policy_->consent_;
    auto spec = std::find_if(specs.begin(), specs.end(), [](const ConsentSpec& consent) {
      return std::find(consent.event.begin(), consent.event.end(), "purpose_extension") !=
             consent.event.end();
    });
    if (spec == specs.end()) {
      diagnostics_->Error(reader.PlaceOf("consented"),
                          "the policy has no consent of event purpose_extension",
                          "subject: {consents: [{id: ..}]}");
    } else {
      c.consents.push_back({.id = spec->id, .purpose = c.purpose, .fields = {}, .recipient = {}});
    }
  }
  ForEachItem(reader, "consents", "case consent", [&](MapReader& one) {
    CaseConsent consent;
    one.Require("id");
    consent.id = one.String("id");
    for (const YamlNode* node : one.Scalars("fields")) {
      // Names of fields and "type.*" as they are; groups by their fields.
      const std::vector<SelectedField> selected = Select(*node);
      if (node->scalar.find('.') != std::string::npos) {
        if (!selected.empty()) consent.fields.push_back(node->scalar);
        continue;
      }
      for (const SelectedField& s : selected) {
        consent.fields.push_back(policy_->field(s.field).full_name);
      }
    }
    if (const YamlNode* given = one.Get("given")) consent.given = ReadTime(*given, false);
    if (const YamlNode* node = one.Get("withdrawn")) consent.withdrawn = ReadTime(*node, false);
    consent.by_guardian = one.Bool("guardian");
    if (const std::string id = one.String("recipient"); !id.empty()) {
      consent.recipient = absl::StrCat(c.tenant, "/recipients/", id);
    }
    const YamlNode* purposes = one.Get("for");
    if (purposes == nullptr) c.consents.push_back(consent);
    for (PurposeId id : SelectPurposes(one, "for")) {
      consent.purpose = policy_->purposes_[id].name;
      c.consents.push_back(consent);
    }
  });
}

std::vector<CaseMatter> PolicyBuilder::ReadCaseMatters(MapReader& reader) {
  std::vector<std::string_view> kinds;
  for (const MatterSpec& spec : policy_->matters_) kinds.push_back(spec.name);
  std::vector<CaseMatter> matters;
  ForEachItem(reader, "matters", "case matter", [&](MapReader& one) {
    CaseMatter matter;
    one.Require("kind");
    matter.kind = one.Word("kind", kinds);
    matter.id = one.String("id", std::string(kCaseValue));
    const MatterSpec* spec = policy_->FindMatter(matter.kind);
    if (spec != nullptr && !spec->states.empty()) {
      const std::vector<std::string_view> states(spec->states.begin(), spec->states.end());
      matter.state = one.Word("state", states, spec->states.front());
    } else {
      one.Get("state");
    }
    matter.party = one.String("party");
    if (const YamlNode* until = one.Get("until")) matter.not_after = ReadTime(*until, true);
    for (PurposeId id : SelectPurposes(one, "for")) {
      matter.purposes.push_back(policy_->purposes_[id].name);
    }
    matters.push_back(std::move(matter));
  });
  return matters;
}

}  // namespace piivault::authz
