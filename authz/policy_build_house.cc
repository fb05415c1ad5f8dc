// How the house is kept: transport, notices, audit, changes of the policy, incidents.

#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/vocabulary.h"

namespace piivault::authz {

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
  if (const YamlNode* node = root.Get("credentials"); node != nullptr) {
    MapReader reader(*node, "credentials", diagnostics_);
    CredentialRules& rules = policy_->credentials_;
    rules.origin = reader.ReadOrigin();
    rules.advised_classes = reader.WordList("advised_classes", vocabulary::kCharacterClasses);
    rules.max_age = reader.String("max_age");
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
    session.idle = reader.Duration("idle");
    session.absolute = reader.Duration("absolute");
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

}  // namespace piivault::authz
