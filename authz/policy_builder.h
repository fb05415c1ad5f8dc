// Builds a Policy out of its text: parameters, sections, checks across sections, compilation.
// Internal to authz; Policy::Load is the way in.
#ifndef PIIVAULT_AUTHZ_POLICY_BUILDER_H_
#define PIIVAULT_AUTHZ_POLICY_BUILDER_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "authz/policy.h"
#include "authz/yaml_reader.h"
#include "authz/yaml_tree.h"

namespace piivault::authz {

struct CaseMatter;
struct Recipient;
struct RecipientAttestation;

// Nodes of a tree, as it is read and again by what parameters put in.
inline constexpr size_t kMaxNodes = 200'000;

// A field that a selector matched; `named`: by its own name rather than by a wildcard.
struct SelectedField {
  FieldId field;
  bool named;
  Place place;
};

class PolicyBuilder {
 public:
  // REQUIRES: diagnostics outlives the builder.
  PolicyBuilder(const PolicyText& text, Diagnostics* diagnostics);

  // Null if there was an error. Call once.
  std::shared_ptr<const Policy> Build();
  // The same, with one more case than the text has; see case_reader.h. Call once, instead.
  std::shared_ptr<const Policy> BuildWithCase(const std::string& yaml);
  // Reads no text: no type, no role, no grant. See PolicyOfNothing(). Call once, instead.
  std::shared_ptr<const Policy> BuildNothing();

 private:
  // policy_builder.cc
  void ReadHeader(MapReader& root);
  void ReadDocuments(MapReader& root);
  void ReadAll(const YamlNode& tree);
  std::vector<SelectedField> Select(const YamlNode& node);
  std::vector<SelectedField> SelectAll(MapReader& reader, std::string_view key);
  std::vector<FieldId> SelectIds(MapReader& reader, std::string_view key);
  std::vector<PurposeId> SelectPurposes(MapReader& reader, std::string_view key);
  FieldSelection SelectOrWord(MapReader& reader, std::string_view key);
  std::string RoleOr(MapReader& reader, std::string_view key,
                     const std::vector<std::string_view>& words);
  // Reports an id that is taken, also by one that differs only in case.
  bool Claim(std::string_view space, const std::string& id, const Place& place);

  // policy_build_types.cc
  void ReadChannels(MapReader& root);
  std::vector<std::string> ReadOwnChannels(MapReader& reader, std::vector<std::string> fallback);
  uint32_t ReadHistory(MapReader& reader, uint32_t fallback);
  void ReadTypes(MapReader& root);
  void ReadType(const YamlNode& key, const YamlNode& body);
  void ReadField(TypeSpec& type, const YamlNode& key, const YamlNode& body);
  void ReadFieldOptions(FieldSpec& field, MapReader& reader);
  void ReadTokenOptions(FieldSpec& field, MapReader& reader);
  void CheckField(const FieldSpec& field, const Place& place);
  void ReadGroups(MapReader& root);
  void ReadEssential(MapReader& root);

  // policy_build_purposes.cc
  void ReadMatters(MapReader& root);
  void ReadMatter(const YamlNode& key, const YamlNode& body);
  std::vector<MatterNeed> ReadMatterNeeds(MapReader& reader, std::string_view key);
  // `own`: where the key of that name may stand and goes to; null where it may not.
  std::optional<MatterNeed> ReadMatterNeed(const YamlNode& node, bool* own = nullptr);
  void ReadPurposes(MapReader& root);
  void ReadPurpose(PurposeSpec& purpose, const YamlNode& body,
                   std::vector<const YamlNode*>* follows);
  void ReadParents(size_t id, const std::vector<std::vector<const YamlNode*>>& follows);

  // policy_build_roles.cc
  void ReadRoles(MapReader& root);
  void ReadRole(const YamlNode& key, const YamlNode& body);
  std::vector<AttestationKind> ReadNdaKinds(MapReader& reader, std::string_view key);
  void ReadNda(RoleSpec& role, MapReader& reader);
  void ReadRoleNeeds(RoleSpec& role, MapReader& reader);
  void ReadBreakGlass(RoleSpec& role, MapReader& reader);
  void ReadProhibitions(MapReader& root);
  void ReadGrants(MapReader& root);
  void ReadGrant(const YamlNode& node);
  void CheckGrant(const GrantSpec& grant, const std::vector<SelectedField>& selected,
                  const YamlNode& node);
  void CheckGrantVerb(const GrantSpec& grant, Verb verb, const std::vector<SelectedField>& selected,
                      const YamlNode& node);
  void CheckPurposeOutput(const GrantSpec& grant, Verb verb, const Place& place);

  // policy_build_sharing.cc
  void ReadRecipients(MapReader& root);
  void ReadRecipient(const YamlNode& node);
  void ReadShareMatters(RecipientSpec& rule, MapReader& reader);
  void ReadShareTerms(RecipientSpec& rule, MapReader& reader);
  void CheckSharedFields(const RecipientSpec& rule, const MapReader& reader);
  void CheckSharePurposes(const RecipientSpec& rule, const MapReader& reader);
  void CheckShareNeeds(const RecipientSpec& rule, const MapReader& reader);

  // policy_build_recipient_rules.cc
  void ReadRecipientRules(MapReader& root);
  void ReadCombinations(MapReader& reader);
  void ReadNeverShared(MapReader& reader);
  std::vector<std::string> ReadCountries(MapReader& reader, std::string_view key);
  void CheckRecipients();
  void CheckAgainstRules(const RecipientSpec& rule, const Place& place);
  void CheckShareConsents();

  // policy_build_consent.cc
  void ReadConsent(MapReader& root);
  void CheckConsent(const ConsentSpec& consent, const MapReader& reader);
  void CheckPurposeConsents();
  void ReadCollectionNotices(MapReader& root);
  void ReadAge(MapReader& root);
  void ReadAcknowledgement(MapReader& root);

  // policy_build_duties.cc
  void ReadRetention(MapReader& root);
  void ReadRetentionRule(const YamlNode& node);
  void ReadRetentionRules(MapReader& root);
  std::string ReadLaw(MapReader& reader, std::string_view key);
  std::string ReadDestructionApproval(MapReader& reader);
  void CheckDisputes(MapReader& reader);
  void ReadRights(MapReader& root);
  void ReadRight(const YamlNode& node);
  void ReadCorrection(RightSpec& right, MapReader& reader);
  void DateFields(const RightSpec& right);

  // policy_build_credentials.cc
  void ReadCredentials(MapReader& root);
  void ReadCredentialRule(MapReader& reader);
  void ReadCredentialAge(CredentialRule& rule, MapReader& reader);

  // policy_build_house.cc
  void ReadTransport(MapReader& root);
  void ReadNotices(MapReader& root);
  void ReadAudit(MapReader& root);
  void ReadPurposeRules(MapReader& root);
  void ReadPolicyChange(MapReader& root);
  void ReadHouse(MapReader& root);
  void ReadTokenKinds(MapReader& root);
  void ReadBudgets(MapReader& root);

  // policy_build_cases.cc
  void ReadCases(MapReader& root);
  void ReadCase(const YamlNode& node);
  void ReadCaseCaller(PolicyCase& c, MapReader& reader);
  void ReadCaseEvidence(PolicyCase& c, const RoleSpec& role, MapReader* reader);
  void ReadCaseNda(PolicyCase& c, const RoleSpec& role, MapReader* reader);
  void ReadCaseAttested(PolicyCase& c, const RoleSpec& role, MapReader* reader);
  void ReadCaseArguments(PolicyCase& c, MapReader& reader);
  void ReadCaseIntake(PolicyCase& c, MapReader& reader);
  void ReadCaseExpectation(PolicyCase& c, MapReader& reader);
  absl::Time ReadTime(const YamlNode& node, bool end_of_day);

  // policy_build_facts.cc
  void ReadCaseSubject(PolicyCase& c, MapReader& reader);
  void ReadCaseConsents(PolicyCase& c, MapReader& reader);
  std::vector<CaseMatter> ReadCaseMatters(MapReader& reader);

  // policy_build_share_case.cc
  void ReadCaseShare(PolicyCase& c, MapReader& reader);
  void ReadCaseRecipient(const PolicyCase& c, const RecipientSpec& rule, MapReader& reader,
                         Recipient* recipient);
  void ReadCaseAgreements(const PolicyCase& c, const RecipientSpec& rule, MapReader& reader,
                          Recipient* recipient);
  void ReadCaseAgreement(const YamlNode& node, absl::Time now, RecipientAttestation* agreement);
  std::vector<std::string> ReadCaseFields(MapReader& reader, std::string_view key,
                                          const std::vector<std::string>& fallback);
  std::optional<absl::CivilDay> ReadDay(MapReader& reader, std::string_view key);
  // Calls `read` with a reader for each item of the list `key`.
  void ForEachItem(MapReader& reader, std::string_view key, std::string_view what,
                   absl::FunctionRef<void(MapReader&)> read);

  std::shared_ptr<Policy> policy_;
  Diagnostics* diagnostics_;
  absl::flat_hash_map<std::string, std::vector<SelectedField>> groups_;
  absl::flat_hash_map<std::string, std::string> claimed_;  // "space/lower-case id" -> id.
  std::vector<AttestationKind> nda_default_;
  bool has_nda_default_ = false;
  std::vector<bool> no_pii_;  // By RoleId.
  std::vector<Place> recipient_places_;
};

// Replaces every `${name}` of `tree` by its value. `values` may be null. Returns false after an
// error. In policy_params.cc.
bool ApplyParams(YamlNode& tree, const YamlNode* values, std::string_view policy_id,
                 Diagnostics* diagnostics);

// Why a field can never be used with a verb by a role under a view, whatever is granted; kOk where
// it can. The rules that no grant overrides: read: never, secrecy of communications, index, tokens.
Reason FieldAllows(const FieldSpec& field, const VerbInfo& verb, const RoleSpec& role, View view);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_POLICY_BUILDER_H_
