// How the house is kept: transport, notices, audit, changes of the policy, incidents.

#include <optional>

#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

// Infinite where the key is not there.
absl::Duration ReadSessionTime(MapReader& reader, std::string_view key, Diagnostics* diagnostics) {
  const std::string text = reader.Duration(key);
  if (text.empty()) return absl::InfiniteDuration();
  const std::optional<absl::Duration> time = FixedDuration(text);
  if (time.has_value() && *time > absl::ZeroDuration()) return *time;
  diagnostics->Error(reader.PlaceOf(key), "a time of one second or more is needed",
                     "for example 15m or 12h");
  return absl::InfiniteDuration();
}

}  // namespace

void PolicyBuilder::ReadTransport(MapReader& root) {
  TransportSpec& transport = policy_->transport_;
  const YamlNode* node = root.Get("transport");
  transport.allow_plain = IntakePlain::kAlways;  // The policy does not speak of it.
  if (node == nullptr) return;
  MapReader reader(*node, "transport", diagnostics_);
  transport.origin = reader.ReadOrigin();
  reader.Word("vault", vocabulary::kVaultTransport);  // The only way there is.
  transport.min_cipher_bits = static_cast<uint32_t>(reader.Int("min_cipher_bits", 128, 256, 128));
  reader.Word("server_certificate", vocabulary::kServerCertificate);
  if (const YamlNode* intake = reader.Get("intake"); intake != nullptr) {
    MapReader inner(*intake, "intake", diagnostics_);
    inner.ReadOrigin();
    inner.Require("allow_plain");
    const std::string plain = inner.Word("allow_plain", vocabulary::kAllowPlain, "never");
    transport.allow_plain = plain == "always"              ? IntakePlain::kAlways
                            : plain == "per_tenant_choice" ? IntakePlain::kPerTenantChoice
                                                           : IntakePlain::kNever;
    transport.record_channel = inner.Bool("record_channel");
    inner.Finish();
  }
  reader.Finish();
}

void PolicyBuilder::ReadNotices(MapReader& root) {
  const YamlNode* node = root.Get("notices");
  if (node == nullptr) return;
  if (!node->is_sequence()) {
    diagnostics_->Error(node->place, "'notices': a list is needed", "notices: []");
    return;
  }
  for (const YamlNode& item : node->items) {
    MapReader reader(item, "notice", diagnostics_);
    NoticeSpec notice;
    notice.origin = reader.ReadOrigin();
    reader.Require("on");
    notice.on = reader.Word("on", vocabulary::kNoticeEvents);
    notice.content = reader.WordList("content", vocabulary::kNoticeContent);
    reader.Require("to");
    notice.to = reader.Word("to", vocabulary::kNoticeTo);
    reader.Finish();
    policy_->notices_.push_back(std::move(notice));
  }
}

void PolicyBuilder::ReadAudit(MapReader& root) {
  const YamlNode* node = root.Get("audit");
  if (node == nullptr) return;
  MapReader reader(*node, "audit", diagnostics_);
  AuditSpec& audit = policy_->audit_;
  audit.origin = reader.ReadOrigin();
  const std::string peer = reader.Word("peer", vocabulary::kPeerForms, "truncated");
  audit.peer = peer == "plain"    ? PeerForm::kPlain
               : peer == "hashed" ? PeerForm::kHashed
                                  : PeerForm::kTruncated;
  audit.attributes = reader.WordList("attributes", vocabulary::kPeerAttributes);
  reader.Word("on_failure", vocabulary::kOnFailure);  // True of every policy.
  reader.Word("pii_types_in_log", vocabulary::kNone);
  reader.Finish();
}

void PolicyBuilder::ReadPurposeRules(MapReader& root) {
  const YamlNode* node = root.Get("purpose_rules");
  if (node == nullptr) return;
  MapReader reader(*node, "purpose_rules", diagnostics_);
  PurposeRules& rules = policy_->purpose_rules_;
  rules.origin = reader.ReadOrigin();
  reader.Require("extension");
  rules.extension = reader.Word("extension", vocabulary::kExtensions);
  rules.record_field = reader.Identifier("record_field");
  rules.derived_needs = reader.WordList("derived_needs", vocabulary::kDerivedNeeds);
  reader.Finish();
}

void PolicyBuilder::ReadPolicyChange(MapReader& root) {
  const YamlNode* node = root.Get("policy_change");
  if (node == nullptr) return;
  MapReader reader(*node, "policy_change", diagnostics_);
  PolicyChangeSpec& change = policy_->policy_change_;
  change.origin = reader.ReadOrigin();
  reader.Require("notice");
  change.notice = reader.Word("notice", vocabulary::kPolicyNotice);
  change.lead_time = reader.Duration("lead_time");
  change.content = reader.WordList("content", vocabulary::kPolicyContent);
  change.consent_if = reader.Word("consent_if", vocabulary::kConsentIf);
  change.stylistic_exempt = reader.Bool("stylistic_exempt");
  reader.Finish();
}

void PolicyBuilder::ReadHouse(MapReader& root) {
  if (const YamlNode* node = root.Get("incident"); node != nullptr) {
    MapReader reader(*node, "incident", diagnostics_);
    IncidentSpec& incident = policy_->incident_;
    incident.origin = reader.ReadOrigin();
    incident.notify_subjects = reader.Word("notify_subjects", vocabulary::kNotifySubjects);
    incident.record_measures = reader.Bool("record_measures");
    incident.authority_contact = reader.Identifier("authority_contact");
    reader.Finish();
  }
  if (const YamlNode* node = root.Get("aggregates"); node != nullptr) {
    MapReader reader(*node, "aggregates", diagnostics_);
    AggregateRules& rules = policy_->aggregates_;
    rules.origin = reader.ReadOrigin();
    rules.min_group = static_cast<uint32_t>(reader.Int("min_group", 2, 10000, rules.min_group));
    rules.round_to = static_cast<uint32_t>(reader.Int("round_to", 1, 1000, rules.round_to));
    reader.Finish();
  }
  if (const YamlNode* node = root.Get("governance"); node != nullptr) {
    MapReader reader(*node, "governance", diagnostics_);
    GovernanceSpec& governance = policy_->governance_;
    governance.origin = reader.ReadOrigin();
    governance.per_department_manager = reader.Bool("per_department_manager");
    governance.standards = reader.IdentifierList("standards", true);
    governance.training_interval = reader.Duration("training_interval");
    governance.supervision_interval = reader.Duration("supervision_interval");
    governance.cycle = reader.Word("cycle", vocabulary::kCycles);
    reader.Finish();
  }
  if (const YamlNode* node = root.Get("session"); node != nullptr) {
    MapReader reader(*node, "session", diagnostics_);
    SessionRules& session = policy_->session_;
    session.origin = reader.ReadOrigin();
    session.idle = ReadSessionTime(reader, "idle", diagnostics_);
    session.absolute = ReadSessionTime(reader, "absolute", diagnostics_);
    reader.Finish();
  }
}

void PolicyBuilder::ReadTokenKinds(MapReader& root) {
  const YamlNode* node = root.Get("token_kinds");
  if (node == nullptr) return;
  if (!node->is_sequence()) {
    diagnostics_->Error(node->place, "'token_kinds': a list is needed");
    return;
  }
  for (const YamlNode& item : node->items) {
    MapReader reader(item, "token kind", diagnostics_);
    TokenKindSpec kind;
    reader.Require("id");
    kind.id = reader.Identifier("id");
    if (!kind.id.empty()) Claim("token kind", kind.id, reader.PlaceOf("id"));
    kind.origin = reader.ReadOrigin();
    reader.Require("purposes");
    kind.purposes = SelectPurposes(reader, "purposes");
    kind.unlinkable_across = reader.Word("unlinkable_across", vocabulary::kUnlinkable);
    reader.Finish();
    policy_->token_kinds_.push_back(std::move(kind));
  }
}

void PolicyBuilder::ReadBudgets(MapReader& root) {
  ForEachItem(root, "budgets", "budget", [this](MapReader& reader) {
    BudgetSpec budget;
    reader.Require("id");
    budget.id = reader.Identifier("id");
    if (!budget.id.empty()) Claim("budget", budget.id, reader.PlaceOf("id"));
    budget.origin = reader.ReadOrigin();
    budget.labels = reader.LabelsOf("label");
    for (const YamlNode* node : reader.Scalars("role")) {
      const RoleSpec* role = policy_->FindRole(node->scalar);
      if (role != nullptr) {
        budget.roles.push_back(role->id);
      } else {
        diagnostics_->Error(node->place, absl::StrCat("no role ", Quote(node->scalar)));
      }
    }
    budget.purposes = SelectPurposes(reader, "for");
    reader.Require("records");
    budget.records = static_cast<uint32_t>(reader.Int("records", 1, 1'000'000'000, 1));
    reader.Require("per");
    const std::string per = reader.Duration("per");
    budget.per = FixedDuration(per).value_or(absl::ZeroDuration());
    if (!per.empty() && (budget.per < absl::Minutes(1) || budget.per > absl::Hours(24))) {
      diagnostics_->Error(reader.PlaceOf("per"), "a budget is for a minute to a day",
                          "for example 1h or 1d");
    }
    policy_->budgets_.push_back(std::move(budget));
  });
}

}  // namespace piivault::authz
