#ifndef PIIVAULT_AUTHZ_POLICY_H_
#define PIIVAULT_AUTHZ_POLICY_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "authz/diagnostics.h"
#include "authz/policy_spec.h"

namespace piivault::authz {

struct PolicyCase;
class CompiledPolicy;

inline constexpr FieldId kNoField = 0xFFFF;
inline constexpr TypeId kNoType = 0xFFFF;

// Hash of names that finds std::string keys by std::string_view without a copy.
struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
};

// The text of a policy as an operator wrote it. Names are for diagnostics only.
struct PolicyText {
  std::string yaml;
  std::string values_yaml;  // Empty where the policy leaves nothing open.
  std::string name = "policy.yaml";
  std::string values_name = "policy.values.yaml";
};

// One operator's rules: loaded, linted, compiled.
//
// Guarantees: what Load returns is complete (every rule of the text is in some struct), free of
// references to names that do not exist, and never changes. The hash covers both texts to the byte.
// Does not: read files or the clock. The time zone's rules come from the system's zone database.
// Ownership: shared, because calls in flight keep the snapshot they were decided under; views and
// references that accessors return live as long as the policy.
// Thread-safety: immutable, any number of readers.
class Policy {
 public:
  static constexpr size_t kMaxBytes = 1 << 20;  // Of each text.
  static constexpr int kMaxDepth = 16;
  static constexpr size_t kMaxFields = 4096;
  static constexpr size_t kMaxRoles = 200;
  static constexpr size_t kMaxPurposes = 200;
  static constexpr size_t kMaxGrants = 1000;
  static constexpr size_t kMaxMatters = 100;
  static constexpr size_t kMaxCollectionNotices = 200;
  static constexpr size_t kMaxConsents = 200;

  // Collects all problems in `diagnostics`, sorted; returns null if one of them is an error.
  // Warnings alone do not keep it from loading. REQUIRES: diagnostics != nullptr.
  static std::shared_ptr<const Policy> Load(const PolicyText& text, Diagnostics* diagnostics);
  // The same; INVALID_ARGUMENT with the first errors as message.
  static absl::StatusOr<std::shared_ptr<const Policy>> Load(const PolicyText& text);

  ~Policy();
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  const HeaderSpec& header() const { return header_; }
  const std::string& id() const { return header_.id; }
  // SHA-256 of "piivault policy v1\0" ‖ len64 ‖ yaml ‖ len64 ‖ values (lengths big-endian):
  // 32 raw bytes, and the same in lower-case hex.
  const std::string& hash() const { return hash_; }
  const std::string& hash_hex() const { return hash_hex_; }
  const PolicyText& text() const { return text_; }
  // Binding documents that are neither attached nor waived.
  size_t missing_documents() const;

  // Record types and fields. Ids are dense: 0 .. count-1.
  size_t type_count() const { return types_.size(); }
  size_t field_count() const { return fields_.size(); }
  const TypeSpec& type(TypeId id) const { return types_[id]; }
  const FieldSpec& field(FieldId id) const { return fields_[id]; }
  // kNoType where there is none.
  TypeId FindType(std::string_view name) const;
  // By its name within a type ("email"); kNoField where there is none.
  FieldId FindField(TypeId type, std::string_view name) const;
  // By its full name ("reader.email").
  FieldId FindField(std::string_view full_name) const;
  const std::vector<TypeSpec>& types() const { return types_; }
  const std::vector<FieldSpec>& fields() const { return fields_; }
  const std::vector<GroupSpec>& groups() const { return groups_; }

  const std::vector<PurposeSpec>& purposes() const { return purposes_; }
  const std::vector<RoleSpec>& roles() const { return roles_; }
  const std::vector<GrantSpec>& grants() const { return grants_; }
  const PurposeSpec* FindPurpose(std::string_view name) const;
  const RoleSpec* FindRole(std::string_view name) const;

  const std::vector<Employment>& forbidden_employment() const { return forbidden_employment_; }
  bool ForbidsEmployment(Employment employment) const;
  const std::vector<ProhibitedType>& prohibited_types() const { return prohibited_types_; }
  bool Prohibits(ProhibitedType type) const;
  // Channels by which data may come in; empty: not restricted.
  const std::vector<std::string>& channels() const { return channels_; }

  const std::vector<RecipientSpec>& recipients() const { return recipients_; }
  const RecipientSpec* FindRecipient(std::string_view id) const;
  const RecipientRules& recipient_rules() const { return recipient_rules_; }
  const std::vector<RetentionSpec>& retention() const { return retention_; }
  const RetentionRules& retention_rules() const { return retention_rules_; }
  const std::vector<RightSpec>& rights() const { return rights_; }
  const std::vector<ConsentSpec>& consent() const { return consent_; }
  const std::vector<NoticeSpec>& notices() const { return notices_; }
  const std::vector<MatterSpec>& matters() const { return matters_; }
  const MatterSpec* FindMatter(std::string_view name) const;
  // Whether what is collected has to be under one of the notices.
  bool notice_required() const { return notice_required_; }
  const std::vector<CollectionNoticeSpec>& collection_notices() const {
    return collection_notices_;
  }
  const CollectionNoticeSpec* FindCollectionNotice(std::string_view id) const;
  const AgeSpec& age() const { return age_; }
  // What `attested: [acknowledgement]` asks for; null where the policy asks it of nobody.
  const AcknowledgementSpec* acknowledgement() const {
    return acknowledgement_.has_value() ? &*acknowledgement_ : nullptr;
  }
  const std::vector<TokenKindSpec>& token_kinds() const { return token_kinds_; }
  const TransportSpec& transport() const { return transport_; }
  const AuditSpec& audit() const { return audit_; }
  const PurposeRules& purpose_rules() const { return purpose_rules_; }
  const PolicyChangeSpec& policy_change() const { return policy_change_; }
  const IncidentSpec& incident() const { return incident_; }
  const std::vector<CredentialRule>& credential_rules() const { return credential_rules_; }
  const std::vector<BudgetSpec>& budgets() const { return budgets_; }
  // The rule for a field that is stored one way: its own, or what holds without one.
  const CredentialRule& CredentialRuleOf(FieldId field) const;
  const AggregateRules& aggregates() const { return aggregates_; }
  const GovernanceSpec& governance() const { return governance_; }
  const SessionRules& session() const { return session_; }
  const std::vector<PolicyCase>& cases() const { return cases_; }

  absl::TimeZone timezone() const { return timezone_; }
  // Last instant (nanosecond) of that day in the policy's zone: what a valid-until date means.
  absl::Time EndOfDay(absl::CivilDay day) const;

  // For the decision only.
  const CompiledPolicy& compiled() const { return *compiled_; }

 private:
  friend class PolicyBuilder;
  using NameIndex = std::unordered_map<std::string, uint16_t, NameHash, std::equal_to<>>;

  Policy();
  // Add an entry and its name. REQUIRES: the name is new and the id is the next one.
  void IndexType(TypeSpec type);
  void IndexField(FieldSpec field);
  void IndexPurpose(PurposeSpec purpose);
  void IndexRole(RoleSpec role);

  PolicyText text_;
  std::string hash_;
  std::string hash_hex_;
  HeaderSpec header_;
  absl::TimeZone timezone_;
  std::vector<TypeSpec> types_;
  std::vector<FieldSpec> fields_;
  std::vector<GroupSpec> groups_;
  std::vector<PurposeSpec> purposes_;
  std::vector<RoleSpec> roles_;
  std::vector<GrantSpec> grants_;
  std::vector<Employment> forbidden_employment_;
  std::vector<ProhibitedType> prohibited_types_;
  std::vector<std::string> channels_;
  std::vector<RecipientSpec> recipients_;
  RecipientRules recipient_rules_;
  std::vector<RetentionSpec> retention_;
  RetentionRules retention_rules_;
  std::vector<RightSpec> rights_;
  std::vector<ConsentSpec> consent_;
  std::vector<NoticeSpec> notices_;
  std::vector<MatterSpec> matters_;
  std::vector<CollectionNoticeSpec> collection_notices_;
  bool notice_required_ = false;
  AgeSpec age_;
  std::optional<AcknowledgementSpec> acknowledgement_;
  std::vector<TokenKindSpec> token_kinds_;
  TransportSpec transport_;
  AuditSpec audit_;
  PurposeRules purpose_rules_;
  PolicyChangeSpec policy_change_;
  IncidentSpec incident_;
  std::vector<CredentialRule> credential_rules_;
  AggregateRules aggregates_;
  std::vector<BudgetSpec> budgets_;
  GovernanceSpec governance_;
  SessionRules session_;
  std::vector<PolicyCase> cases_;
  NameIndex type_names_;
  NameIndex field_names_;                    // Full names.
  std::vector<NameIndex> type_field_names_;  // By type: names within it.
  NameIndex purpose_names_;
  NameIndex role_names_;
  std::unique_ptr<const CompiledPolicy> compiled_;
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_POLICY_H_
