#include "authz/policy_settings.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "authz/settings_writer.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

void SortUnique(std::vector<std::string>* values) {
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
}

// The vocabularies stand in the order of their enums.
template <typename Words, typename Enum>
std::string_view WordOf(const Words& words, Enum value) {
  return words[static_cast<size_t>(value)];
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
}

template <typename Enum, typename NameOf>
std::vector<std::string> Names(const std::vector<Enum>& values, NameOf name_of) {
  std::vector<std::string> names;
  for (Enum value : values) names.emplace_back(name_of(value));
  return names;
}

void WriteHeader(SettingsWriter& out) {
  const auto& [id, labels, text_version, enacted, revised, laws, documents, timezone] =
      out.policy().header();
  out.About("policy", "");
  out.Text("id", id);
  out.Set("laws", laws);
  out.Text("timezone", timezone);
  for (const auto& [name, sha256, waived_by] : documents) {
    out.About("document", name);
    out.Text("sha256", sha256);
    out.Text("waived by", waived_by);
  }
}

void WriteField(SettingsWriter& out, const FieldSpec& field) {
  const auto& [id, type, name, full_name, semantic, mask, max_bytes, pattern, choices, validation,
               required, unique, index, index_domain, token, audience, comm_secret, read_never,
               one_way, important, essential, history, dated, retired, controller, channels] =
      field;
  out.About("field", full_name);
  out.Text("type", kSemanticTypes[static_cast<size_t>(semantic)].name);
  out.Text("mask", MaskName(mask));
  out.Number("max", max_bytes);
  out.Text("pattern", pattern);
  out.Set("choices", choices);
  out.Text("validation", WordOf(vocabulary::kValidations, validation));
  out.Flag("required", required);
  out.Flag("unique", unique);
  out.Flag("index", index);
  out.Flag("index by domain", index_domain);
  out.Text("token", WordOf(vocabulary::kTokenModes, token));
  out.Text("audience", audience);
  out.Flag("class comm_secret", comm_secret);
  out.Flag("read never", read_never);
  out.Flag("store one_way", one_way);
  out.Flag("key_class important", important);
  out.Flag("essential", essential);
  if (history == kAllEarlierValues) {
    out.Text("history", "all");
  } else {
    out.Number("history", history);
  }
  static_cast<void>(dated);  // follows from the rights
  out.Flag("retired", retired);
  out.Text("controller", controller);
  out.Set("channels", channels);
}

void WriteTypes(SettingsWriter& out) {
  for (const TypeSpec& type : out.policy().types()) {
    // Channels are there for fields that name none, and are theirs by now.
    const auto& [id, name, labels, origin, controller, channels, history, fields] = type;
    out.About("type", name);
    out.Text("controller", controller);
    for (FieldId field : fields) WriteField(out, out.policy().field(field));
  }
}

void WriteMatters(SettingsWriter& out) {
  static constexpr std::string_view kAbout[] = {"subject", "tenant", "controller"};
  for (const MatterSpec& matter : out.policy().matters()) {
    const auto& [id, name, labels, origin, about, states, types] = matter;
    out.About("matter", name);
    out.Text("about", kAbout[static_cast<size_t>(about)]);
    out.List("states", states);
    out.List("types", types);
  }
}

void WritePurposes(SettingsWriter& out) {
  for (const PurposeSpec& purpose : out.policy().purposes()) {
    const auto& [id, name, labels, origin, needs_ticket, needs, matters, output, consent,
                 despite_notice, parents] = purpose;
    out.About("purpose", name);
    out.Flag("needs a ticket", needs_ticket);
    out.Set("needs", needs);
    out.Matters("matter", matters);
    out.Text("output", WordOf(vocabulary::kPurposeOutputs, output));
    out.Flag("consent required", consent);
    out.Flag("despite_notice", despite_notice);
    // The fields of what follows are those of the cells for its parents.
    out.Purposes("follows", parents);
  }
}

void WriteRole(SettingsWriter& out, const RoleSpec& role) {
  const auto& [id, name, labels, origin, kind, scope, employment, duties, department,
               per_department, nda, nda_not_stated, equivalent_needs_nda, attested, needs_ticket,
               needs_justification, needs_end_date, needs_fields, matters, needs, holders,
               assignable, break_glass, access] = role;
  out.About("role", name);
  out.Text("kind", WordOf(vocabulary::kRoleKinds, kind));
  out.Text("scope", WordOf(vocabulary::kRoleScopes, scope));
  out.Set("employment", Names(employment, EmploymentName));
  out.Set("duty", duties);
  out.Text("department", department);
  out.Flag("per department", per_department);
  out.Set("nda", Names(nda, AttestationKindName));
  out.Flag("equivalent needs no nda", !equivalent_needs_nda);
  // Which of several that are missing is named depends on the order.
  out.List("attested", Names(attested, AttestationKindName));
  out.Flag("needs a ticket", needs_ticket);
  out.Flag("needs a justification", needs_justification);
  out.Flag("needs an end date", needs_end_date);
  out.Flag("needs fields", needs_fields);
  out.Matters("matter", matters);
  out.Set("needs", needs);
  out.Number("holders", holders);
  out.Text("assignable", assignable ? "yes" : "no");
  out.Text("break glass",
           break_glass == absl::ZeroDuration() ? "" : absl::FormatDuration(break_glass));
  out.Text("access", access);
}

void WriteRoles(SettingsWriter& out) {
  std::vector<std::string> order;
  for (const RoleSpec& role : out.policy().roles()) {
    WriteRole(out, role);
    order.push_back(role.name);
  }
  // Of several roles of one principal that do equally well, the first one answers.
  out.About("policy", "");
  out.List("order of roles", order);
}

void WriteConsents(SettingsWriter& out) {
  std::vector<std::string> order;
  for (const ConsentSpec& consent : out.policy().consent()) {
    const auto& [id, origin, event, fields, when, who, under_age, scope] = consent;
    out.About("consent", id);
    out.Set("event", event);
    out.Fields("fields", fields);
    out.Text("when", when);
    out.Text("who", who);
    out.Number("under age", under_age);
    out.Text("scope", scope);
    order.push_back(id);
  }
  // Of several that are missing the first one is named.
  out.About("policy", "");
  out.List("order of consents", order);
}

void WriteDecisionRules(SettingsWriter& out) {
  const Policy& policy = out.policy();
  out.About("policy", "");
  out.Set("forbidden employment", Names(policy.forbidden_employment(), EmploymentName));
  out.Set("prohibited types", Names(policy.prohibited_types(), [](ProhibitedType type) {
            return kProhibitedTypes[static_cast<size_t>(type)].name;
          }));
  out.Set("channels", policy.channels());
  // One that names no purpose forbids more than none.
  out.Flag("notice required", policy.notice_required());
  for (const auto& [id, labels, origin, purposes] : policy.collection_notices()) {
    out.About("collection notice", id);
    out.Purposes("purposes", purposes);
  }
  {
    const auto& [origin, reached, unknown_allowed] = policy.age();
    out.About("policy", "");
    out.Text("age reached", reached == AgeReached::kDayBefore ? "day_before" : "");
    out.Flag("age unknown allowed", unknown_allowed);
  }
  if (policy.acknowledgement() != nullptr) {
    const auto& [origin, document_sha256, by] = *policy.acknowledgement();
    out.About("acknowledgement", "");
    out.Text("document", document_sha256);
    out.Text("asked from", TimeText(by));
  }
  const auto& [origin, allow_plain, record_channel, min_cipher_bits, certificate] =
      policy.transport();
  out.About("transport", "");
  out.Text("plain intake", WordOf(vocabulary::kAllowPlain, allow_plain));
  out.Flag("record channel", record_channel);
  out.Number("min cipher bits", min_cipher_bits);
  out.Flag("server certificate not verified", !certificate);
}

}  // namespace

std::vector<std::string> FieldNames(const Policy& policy, const std::vector<FieldId>& ids) {
  std::vector<std::string> names;
  for (FieldId id : ids) names.push_back(policy.field(id).full_name);
  SortUnique(&names);
  return names;
}

std::vector<std::string> PurposeNames(const Policy& policy, const std::vector<PurposeId>& ids) {
  std::vector<std::string> names;
  for (PurposeId id : ids) names.push_back(policy.purposes()[id].name);
  SortUnique(&names);
  return names;
}

std::vector<std::string> MatterNames(const Policy& policy, const std::vector<MatterNeed>& needs) {
  std::vector<std::string> names;
  for (const auto& [matter, states] : needs) {
    std::vector<std::string> sorted = states;
    SortUnique(&sorted);
    names.push_back(
        absl::StrCat(policy.matters()[matter].name, " (", absl::StrJoin(sorted, ", "), ")"));
  }
  return names;
}

void SettingsWriter::About(std::string_view kind, std::string_view name) {
  about_ = std::string(kind);
  if (!name.empty()) absl::StrAppend(&about_, " ", std::string(name));
  if (!name.empty()) Flag("declared", true);
}

void SettingsWriter::Text(std::string_view what, std::string_view value) {
  if (!value.empty()) out_->push_back({about_, std::string(what), std::string(value)});
}

void SettingsWriter::Flag(std::string_view what, bool value) { Text(what, value ? "yes" : ""); }

void SettingsWriter::Number(std::string_view what, int64_t value) {
  if (value != 0) Text(what, absl::StrCat(value));
}

void SettingsWriter::List(std::string_view what, const std::vector<std::string>& values) {
  Text(what, absl::StrJoin(values, ", ", [](std::string* out, const std::string& value) {
         // So that two values never read like one.
         const bool plain = !value.empty() && value.find_first_of(",\"\\") == std::string::npos;
         absl::StrAppend(out,
                         plain ? value : absl::StrCat("\"", absl::Utf8SafeCEscape(value), "\""));
       }));
}

void SettingsWriter::Set(std::string_view what, std::vector<std::string> values) {
  SortUnique(&values);
  List(what, values);
}

void SettingsWriter::Fields(std::string_view what, const std::vector<FieldId>& ids) {
  List(what, FieldNames(policy_, ids));
}

void SettingsWriter::Purposes(std::string_view what, const std::vector<PurposeId>& ids) {
  List(what, PurposeNames(policy_, ids));
}

void SettingsWriter::Matters(std::string_view what, const std::vector<MatterNeed>& needs) {
  List(what, MatterNames(policy_, needs));
}

void SettingsWriter::Selection(std::string_view what, const FieldSelection& selection) {
  const auto& [fields, word] = selection;
  Fields(what, fields);
  if (!word.empty()) Text(std::string(what) + " by word", word);
}

std::vector<Setting> PolicySettings(const Policy& policy) {
  std::vector<Setting> settings;
  SettingsWriter out(policy, &settings);
  WriteHeader(out);
  WriteTypes(out);
  WriteMatters(out);
  WritePurposes(out);
  WriteRoles(out);
  WriteConsents(out);
  WriteDecisionRules(out);
  WriteSharing(out);
  WriteDuties(out);
  WriteHouse(out);
  std::stable_sort(settings.begin(), settings.end(), [](const Setting& a, const Setting& b) {
    return std::tie(a.about, a.what) < std::tie(b.about, b.what);
  });
  return settings;
}

}  // namespace piivault::authz
