// The schema for editors (ops/policies/policy.schema.json) says what the loader knows: the same
// keys of each map, the same words.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <set>
#include <span>
#include <string>
#include <utility>

#include "authz/operation.h"
#include "authz/principal.h"
#include "authz/vocabulary.h"
#include "tests/authz/grounds_policy.h"
#include "tests/authz/policy_files.h"

namespace piivault::authz {
namespace {

namespace words = vocabulary;
using ::testing::ContainerEq;
using Keys = std::set<std::string>;

// Maps that no other policy here has.
constexpr std::string_view kRest = R"yaml(
params:
  opened: {type: bool, default: true}
documents: [{name: terms, waived_by: somebody}]
token_kinds: [{id: url, purposes: [plain]}]
session: {idle: 15m}
budgets: [{id: all, records: 100, per: 1h}]
incident: {record_measures: "${opened}"}
aggregates: {min_group: 20, round_to: 10}
notices: [{on: contract_cancelled, to: tenant}]
recipients:
  - {id: shop, kind: partner, fields: [user.email], purposes: [plain], basis: joint_use,
     matter: [{kind: consultation, own: true}]}
recipient_rules:
  never: [{fields: [user.name], kinds: [carrier]}]
  combinations: [{fields: [user.name, user.email], at_most: 1, kinds: [partner]}]
)yaml";

class SchemaTest : public ::testing::Test {
 protected:
  // A JSON text is one of YAML.
  SchemaTest() : schema_(YAML::Load(ReadFile("ops/policies/policy.schema.json"))) {}

  // By title: the keys of every map that the schema describes.
  Diagnostics::KnownKeys KeysOfSchema() const {
    Diagnostics::KnownKeys all;
    AddKeys(schema_, &all);
    for (const auto& definition : schema_["$defs"]) AddKeys(definition.second, &all);
    return all;
  }
  static void AddKeys(const YAML::Node& map, Diagnostics::KnownKeys* all) {
    if (!map["title"].IsDefined()) return;
    Keys& keys = (*all)[map["title"].Scalar()];
    for (const auto& property : map["properties"]) keys.insert(property.first.Scalar());
  }
  Keys Words(const std::string& name) {
    named_.insert(name);
    Keys out;
    for (const auto& word : schema_["$defs"][name]["enum"]) out.insert(word.Scalar());
    return out;
  }
  void ExpectWords(const std::string& name, std::span<const std::string_view> want) {
    EXPECT_THAT(Words(name), ContainerEq(Keys(want.begin(), want.end()))) << name;
  }

  const YAML::Node schema_;
  Keys named_;
};

TEST_F(SchemaTest, HasTheKeysOfTheLoader) {
  Diagnostics::KnownKeys known;
  for (const std::string& stem : ShippedPolicies()) {
    Diagnostics diagnostics(&known);
    EXPECT_NE(LoadFile(stem, &diagnostics), nullptr) << stem << "\n" << diagnostics.ToString();
  }
  PolicyText text;
  text.yaml = std::string(kGroundsPolicy) + std::string(kGroundsCases) + std::string(kRest);
  Diagnostics diagnostics(&known);
  EXPECT_NE(Policy::Load(text, &diagnostics), nullptr) << diagnostics.ToString();
  known.erase("the values file");  // Not a part of a policy.

  const Diagnostics::KnownKeys described = KeysOfSchema();
  EXPECT_GT(known.size(), 40u);
  for (const auto& [map, keys] : known) {
    const auto found = described.find(map);
    ASSERT_NE(found, described.end()) << map;
    EXPECT_THAT(found->second, ContainerEq(keys)) << map;
  }
  for (const auto& [map, keys] : described) {
    EXPECT_TRUE(known.contains(map)) << map << ": no policy here has one";
  }
}

TEST_F(SchemaTest, HasTheWordsOfTheLoader) {
  ExpectWords("words_param_types", words::kParamTypes);
  ExpectWords("words_controllers", words::kControllers);
  ExpectWords("words_validations", words::kValidations);
  ExpectWords("words_token_modes", words::kTokenModes);
  ExpectWords("words_index_kinds", words::kIndexKinds);
  ExpectWords("words_field_classes", words::kFieldClasses);
  ExpectWords("words_key_classes", words::kKeyClasses);
  ExpectWords("words_reads", words::kReads);
  ExpectWords("words_stores", words::kStores);
  ExpectWords("words_purpose_outputs", words::kPurposeOutputs);
  ExpectWords("words_purpose_consents", words::kPurposeConsents);
  ExpectWords("words_matter_abouts", words::kMatterAbouts);
  ExpectWords("words_age_reached", words::kAgeReached);
  ExpectWords("words_age_unknown", words::kAgeUnknown);
  ExpectWords("words_role_kinds", words::kRoleKinds);
  ExpectWords("words_role_scopes", words::kRoleScopes);
  ExpectWords("words_role_needs", words::kRoleNeeds);
  ExpectWords("words_per", words::kPer);
  ExpectWords("words_pii", words::kPii);
  ExpectWords("words_views", words::kViews);
  ExpectWords("words_conditions", words::kConditions);
  ExpectWords("words_recipient_kinds", words::kRecipientKinds);
  ExpectWords("words_bases", words::kBases);
  ExpectWords("words_field_words", words::kFieldWords);
  ExpectWords("words_recipient_needs", words::kRecipientNeeds);
  ExpectWords("words_processors", words::kProcessors);
  ExpectWords("words_triggers", words::kTriggers);
  ExpectWords("words_keep_words", words::kKeepWords);
  ExpectWords("words_then", words::kThen);
  ExpectWords("words_retention_needs", words::kRetentionNeeds);
  ExpectWords("words_retention_when", words::kRetentionWhen);
  ExpectWords("words_combine", words::kCombine);
  ExpectWords("words_destruction_steps", words::kDestructionSteps);
  ExpectWords("words_print_exports", words::kPrintExports);
  ExpectWords("words_right_kinds", words::kRightKinds);
  ExpectWords("words_when", words::kWhen);
  ExpectWords("words_effects", words::kEffects);
  ExpectWords("words_identity", words::kIdentity);
  ExpectWords("words_right_channels", words::kRightChannels);
  ExpectWords("words_evidence", words::kEvidence);
  ExpectWords("words_fee_models", words::kFeeModels);
  ExpectWords("words_fee_methods", words::kFeeMethods);
  ExpectWords("words_correction", words::kCorrection);
  ExpectWords("words_freeze", words::kFreeze);
  ExpectWords("words_grounds", words::kGrounds);
  ExpectWords("words_steps", words::kSteps);
  ExpectWords("words_self_setting", words::kSelfSetting);
  ExpectWords("words_essential", words::kEssential);
  ExpectWords("words_refusals", words::kRefusals);
  ExpectWords("words_answers", words::kAnswers);
  ExpectWords("words_consent_events", words::kConsentEvents);
  ExpectWords("words_consent_when", words::kConsentWhen);
  ExpectWords("words_consent_who", words::kConsentWho);
  ExpectWords("words_consent_scopes", words::kConsentScopes);
  ExpectWords("words_vault_transport", words::kVaultTransport);
  ExpectWords("words_allow_plain", words::kAllowPlain);
  ExpectWords("words_server_certificate", words::kServerCertificate);
  ExpectWords("words_peer_forms", words::kPeerForms);
  ExpectWords("words_peer_attributes", words::kPeerAttributes);
  ExpectWords("words_on_failure", words::kOnFailure);
  ExpectWords("words_none", words::kNone);
  ExpectWords("words_notice_events", words::kNoticeEvents);
  ExpectWords("words_notice_content", words::kNoticeContent);
  ExpectWords("words_notice_to", words::kNoticeTo);
  ExpectWords("words_extensions", words::kExtensions);
  ExpectWords("words_derived_needs", words::kDerivedNeeds);
  ExpectWords("words_policy_notice", words::kPolicyNotice);
  ExpectWords("words_policy_content", words::kPolicyContent);
  ExpectWords("words_consent_if", words::kConsentIf);
  ExpectWords("words_notify_subjects", words::kNotifySubjects);
  ExpectWords("words_character_classes", words::kCharacterClasses);
  ExpectWords("words_unlinkable", words::kUnlinkable);
  ExpectWords("words_cycles", words::kCycles);
  for (const auto& definition : schema_["$defs"]) {
    const std::string name = definition.first.Scalar();
    const bool compared = named_.contains(name) || name.rfind("words_", 0) != 0;
    EXPECT_TRUE(compared) << name;
  }
}

TEST_F(SchemaTest, HasTheVerbsTypesAndReasonsOfTheVault) {
  Keys verbs;
  for (const VerbInfo& verb : kVerbs) verbs.emplace(verb.name);
  EXPECT_THAT(Words("verbs"), ContainerEq(verbs));
  Keys types;
  for (const SemanticTypeInfo& type : kSemanticTypes) types.emplace(type.name);
  EXPECT_THAT(Words("semantic_types"), ContainerEq(types));
  Keys expectations = {"granted", "masked", "token"};
  for (size_t i = 1; i < ReasonCount(); ++i) {
    expectations.emplace(ReasonName(static_cast<Reason>(i)));
  }
  EXPECT_THAT(Words("expectations"), ContainerEq(expectations));
  for (const std::string& word : Words("employments")) {
    EXPECT_TRUE(FindEmployment(word).has_value()) << word;
  }
  EXPECT_EQ(Words("employments").size(), static_cast<size_t>(Employment::kOutsourced));
  for (const std::string& word : Words("attestation_kinds")) {
    EXPECT_TRUE(FindAttestationKind(word).has_value()) << word;
  }
  EXPECT_EQ(Words("attestation_kinds").size(),
            static_cast<size_t>(AttestationKind::kAcknowledgement));
  Keys ndas = Words("attestation_kinds");
  ndas.erase("acknowledgement");
  EXPECT_THAT(Words("nda_kinds"), ContainerEq(ndas));
  for (const std::string& word : Words("principal_kinds")) {
    EXPECT_TRUE(FindPrincipalKind(word).has_value()) << word;
  }
  EXPECT_EQ(Words("principal_kinds").size(), static_cast<size_t>(PrincipalKind::kRecipient));
  for (const std::string& word : Words("prohibited_types")) {
    EXPECT_TRUE(FindProhibitedType(word).has_value()) << word;
  }
}

}  // namespace
}  // namespace piivault::authz
