// The sections that others than the decision act on: sharing, duties, the house.

#include "absl/strings/str_cat.h"
#include "authz/settings_writer.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

template <typename Words, typename Enum>
std::string_view WordOf(const Words& words, Enum value) {
  return words[static_cast<size_t>(value)];
}

// Empty for what has no end.
std::string DurationText(absl::Duration duration) {
  return duration == absl::InfiniteDuration() ? "" : absl::FormatDuration(duration);
}

void WriteRecipients(SettingsWriter& out) {
  for (const RecipientSpec& recipient : out.policy().recipients()) {
    const auto& [id, labels, origin, kind, fields, purposes, consented_purposes, basis, needs,
                 matters, single_use, lifetime, countries, notice_lead, notice] = recipient;
    out.About("recipient", id);
    out.Text("kind", kind);
    out.Selection("fields", fields);
    out.Purposes("purposes", purposes);
    out.Flag("consented purposes", consented_purposes);
    out.Text("basis", basis);
    out.List("needs", needs);  // The first that is not met is named.
    out.Flag("single use", single_use);
    for (const auto& [need, own] : matters) {
      const std::string& name = out.policy().matters()[need.matter].name;
      out.Matters(absl::StrCat("matter ", name), {need});
      out.Flag(absl::StrCat("matter ", name, " of its own"), own);
    }
    out.Text("lifetime", lifetime == absl::ZeroDuration() ? "" : absl::FormatDuration(lifetime));
    out.Set("countries", countries);
    out.Text("notice lead", notice_lead);
    if (notice.has_value()) out.Text("notice", out.policy().matters()[*notice].name);
  }
}

void WriteRetention(SettingsWriter& out) {
  for (const RetentionSpec& rule : out.policy().retention()) {
    const auto& [id, origin, fields, triggers, all_triggers, keep, hold, then, approval, when,
                 needs, readable_for] = rule;
    out.About("retention", id);
    out.Fields("fields", fields);
    out.Set("triggers", triggers);
    out.Flag("all triggers", all_triggers);
    out.Text("keep", keep);
    out.Text("hold", hold);
    out.Text("then", then);
    out.Text("approval", approval);
    out.Text("if", when);
    out.Set("needs", needs);
    out.Purposes("readable for", readable_for);
  }
  const auto& [origin, combine, separate, open_purposes, destruction_steps, destruction_approval,
               print_exports] = out.policy().retention_rules();
  out.About("retention rules", "");
  out.Text("combine", combine);
  out.Flag("separate", separate);
  out.Purposes("open purposes", open_purposes);
  out.List("steps", destruction_steps);
  out.Text("approval", destruction_approval);
  out.Text("print exports", print_exports);
}

void WriteRight(SettingsWriter& out, const RightSpec& right) {
  const auto& [id, origin, who, kinds, fields, when, until_destruction, effect, identity, channels,
               evidence, fee, correction, freeze, notify_past_recipients, track, grounds, steps,
               self_setting, essential, refusal, refusal_closed, answer, refer_to, exceptions] =
      right;
  const auto& [model, amount_jpy, free_per_calendar_month, method] = fee;
  out.About("right", id);
  out.Set("who", who);
  out.Set("kind", kinds);
  out.Fields("fields", fields);
  out.Text("when", when);
  out.Flag("until destruction", until_destruction);
  out.Text("effect", effect);
  out.Text("identity", identity);
  out.Set("channel", channels);
  out.Set("evidence", evidence);
  out.Text("fee", model);
  out.Number("fee in yen", amount_jpy);
  out.Number("free per calendar month", free_per_calendar_month);
  out.Text("fee by", method);
  out.Text("mode", correction);
  out.Set("freeze", freeze);
  out.Text("notify past recipients", notify_past_recipients);
  out.Flag("track until acknowledged", track);
  out.Set("grounds", grounds);
  out.List("steps", steps);
  out.Set("self setting", self_setting);
  out.Text("essential", essential);
  out.Set("refusal", refusal);
  out.Flag("refusal closed", refusal_closed);
  out.Text("answer", answer);
  out.Text("refer to", refer_to);
  out.Set("exceptions", exceptions);
}

void WriteChanges(SettingsWriter& out) {
  {
    const auto& [origin, extension, record_field, derived_needs] = out.policy().purpose_rules();
    out.About("purpose rules", "");
    out.Text("extension", extension);
    out.Text("record field", record_field);
    out.Set("derived needs", derived_needs);
  }
  {
    const auto& [origin, notice, lead_time, content, consent_if, stylistic_exempt] =
        out.policy().policy_change();
    out.About("policy change", "");
    out.Text("notice", notice);
    out.Text("lead time", lead_time);
    out.Set("content", content);
    out.Text("consent if", consent_if);
    out.Flag("stylistic exempt", stylistic_exempt);
  }
  const auto& [origin, notify_subjects, record_measures, authority_contact] =
      out.policy().incident();
  out.About("incident", "");
  out.Text("notify subjects", notify_subjects);
  out.Flag("record measures", record_measures);
  out.Text("authority contact", authority_contact);
}

void WriteTokenKinds(SettingsWriter& out) {
  for (const TokenKindSpec& kind : out.policy().token_kinds()) {
    const auto& [id, origin, purposes, unlinkable_across] = kind;
    out.About("token kind", id);
    out.Purposes("purposes", purposes);
    out.Text("unlinkable across", unlinkable_across);
  }
}

// Once for each field: how rules are put together says nothing.
void WriteCredentialRule(SettingsWriter& out, const CredentialRule& rule) {
  const auto& [origin, fields, classes, min_length, max_age, max_age_months, one_time, attempts,
               lock] = rule;
  for (const std::string& field : FieldNames(out.policy(), fields)) {
    out.About("credential", field);
    out.Set("classes", classes);
    out.Number("min length", min_length);
    if (max_age_months != 0) {
      out.Text("max age", absl::StrCat(max_age_months, " months"));
    } else if (max_age != absl::InfiniteDuration()) {
      out.Text("max age", absl::FormatDuration(max_age));
    }
    out.Flag("one time", one_time);
    out.Number("attempts", attempts);
    out.Text("lock", absl::FormatDuration(lock));
  }
}

}  // namespace

void WriteSharing(SettingsWriter& out) {
  WriteRecipients(out);
  const auto& [origin, processors, partial_fields, partial_subjects, never, combinations, bases,
               home, keep] = out.policy().recipient_rules();
  out.About("recipient rules", "");
  out.Text("processors", WordOf(vocabulary::kProcessors, processors));
  out.Fields("partial fields", partial_fields);
  out.Number("partial subjects", partial_subjects);
  out.Set("bases", bases);
  out.Set("home", home);
  out.Text("keep", keep);
  int number = 0;
  for (const auto& [never_origin, fields, kinds] : never) {
    out.About("recipient rules: never", absl::StrCat(++number));
    out.Fields("fields", fields);
    out.Set("kinds", kinds);
  }
  number = 0;
  for (const auto& [combination_origin, fields, at_most, kinds] : combinations) {
    out.About("recipient rules: combination", absl::StrCat(++number));
    out.Fields("fields", fields);
    out.Text("at most", absl::StrCat(at_most));
    out.Set("kinds", kinds);
  }
}

void WriteDuties(SettingsWriter& out) {
  WriteRetention(out);
  for (const RightSpec& right : out.policy().rights()) WriteRight(out, right);
  int number = 0;
  for (const auto& [origin, on, content, to] : out.policy().notices()) {
    out.About("notice", absl::StrCat(++number));
    out.Text("on", on);
    out.Set("content", content);
    out.Text("to", to);
  }
}

void WriteHouse(SettingsWriter& out) {
  WriteChanges(out);
  WriteTokenKinds(out);
  {
    const auto& [origin, peer, attributes] = out.policy().audit();
    out.About("audit", "");
    out.Text("peer", WordOf(vocabulary::kPeerForms, peer));
    out.Set("attributes", attributes);
  }
  for (const auto& [id, labels, origin, roles, purposes, records, per] : out.policy().budgets()) {
    out.About("budget", id);
    std::vector<std::string> names;
    for (RoleId role : roles) names.push_back(out.policy().roles()[role].name);
    out.Set("roles", names);
    out.Purposes("purposes", purposes);
    out.Number("records", records);
    out.Text("per", absl::FormatDuration(per));
  }
  for (const CredentialRule& rule : out.policy().credential_rules()) WriteCredentialRule(out, rule);
  {
    const auto& [origin, min_group, round_to] = out.policy().aggregates();
    out.About("aggregates", "");
    out.Number("min group", min_group);
    out.Number("round to", round_to);
  }
  {
    const auto& [origin, per_department_manager, standards, training_interval, supervision_interval,
                 cycle] = out.policy().governance();
    out.About("governance", "");
    out.Flag("manager per department", per_department_manager);
    out.Set("standards", standards);
    out.Text("training interval", training_interval);
    out.Text("supervision interval", supervision_interval);
    out.Text("cycle", cycle);
  }
  const auto& [origin, idle, absolute] = out.policy().session();
  out.About("session", "");
  out.Text("idle", DurationText(idle));
  out.Text("absolute", DurationText(absolute));
}

}  // namespace piivault::authz
