// The closed vocabularies of policies: words whose rules are enforced by name. A word that is not
// here does not load, so that a typing error never becomes a rule that nobody keeps.
#ifndef PIIVAULT_AUTHZ_VOCABULARY_H_
#define PIIVAULT_AUTHZ_VOCABULARY_H_

#include <array>
#include <cstddef>
#include <string_view>

namespace piivault::authz::vocabulary {

template <std::size_t A, std::size_t B>
constexpr std::array<std::string_view, A + B> Joined(
    const std::array<std::string_view, A>& first, const std::array<std::string_view, B>& second) {
  std::array<std::string_view, A + B> joined;
  for (std::size_t i = 0; i < A; ++i) joined[i] = first[i];
  for (std::size_t i = 0; i < B; ++i) joined[A + i] = second[i];
  return joined;
}

inline constexpr auto kParamTypes = std::to_array<std::string_view>(
    {"days", "duration", "bool", "int", "enum", "list", "map", "rule", "event", "text"});
inline constexpr auto kControllers =
    std::to_array<std::string_view>({"operator", "tenant", "partner"});
inline constexpr auto kValidations = std::to_array<std::string_view>({"strict", "accept_and_flag"});
inline constexpr auto kTokenModes =
    std::to_array<std::string_view>({"random", "deterministic", "none"});
inline constexpr auto kIndexKinds =
    std::to_array<std::string_view>({"true", "false", "exact", "domain"});
inline constexpr auto kFieldClasses = std::to_array<std::string_view>({"comm_secret"});
inline constexpr auto kKeyClasses = std::to_array<std::string_view>({"important"});
inline constexpr auto kReads = std::to_array<std::string_view>({"never"});
inline constexpr auto kStores = std::to_array<std::string_view>({"one_way"});

inline constexpr auto kPurposeOutputs =
    std::to_array<std::string_view>({"any", "tokenized", "aggregate_only", "pseudonym"});

inline constexpr auto kPurposeConsents = std::to_array<std::string_view>({"required"});
inline constexpr auto kMatterAbouts =
    std::to_array<std::string_view>({"subject", "tenant", "controller"});
inline constexpr auto kAgeReached = std::to_array<std::string_view>({"on_birthday", "day_before"});
inline constexpr auto kAgeUnknown = std::to_array<std::string_view>({"refuse", "allow"});

inline constexpr auto kRoleKinds = std::to_array<std::string_view>(
    {"staff", "service", "tenant", "subject", "recipient", "processor"});
inline constexpr auto kRoleScopes = std::to_array<std::string_view>(
    {"any", "own_tenant", "own_record", "own_account", "represented"});
inline constexpr auto kRoleNeeds = std::to_array<std::string_view>(
    {"ticket", "justification", "end_date", "contract", "supervision", "mandate", "own_identity",
     "approval_by_department_manager", "fields"});
inline constexpr auto kPer = std::to_array<std::string_view>({"department"});
inline constexpr auto kPii = std::to_array<std::string_view>({"none"});

inline constexpr auto kViews = std::to_array<std::string_view>({"plain", "masked", "token"});
inline constexpr auto kConditions = std::to_array<std::string_view>(
    {"subscribed", "contract_active", "own_department", "consented", "noticed", "own_id"});

inline constexpr auto kRecipientKinds = std::to_array<std::string_view>(
    {"payment_processor", "processor", "partner", "affiliate", "dealer", "carrier", "government",
     "settlement_institution", "successor", "controller", "closed_group", "third_party", "any"});
inline constexpr auto kBases = std::to_array<std::string_view>(
    {"card_settlement_entrusted", "entrustment", "instruction", "user_permission", "prior_consent",
     "published_purpose", "published_clause", "joint_use", "opt_out", "nda", "law",
     "gov_cooperation", "authority_request", "vital_interest_or_minors", "public_welfare_or_safety",
     "due_procedure", "succession", "business_transfer"});
inline constexpr auto kFieldWords =
    std::to_array<std::string_view>({"requested_items", "consented_items", "contract_subset",
                                     "minimal", "by_option_service", "permitted_items"});
// What a sharing rule may ask for. Assertions are made by the call: references, of the form of
// tickets, and SHA-256 of documents.
inline constexpr auto kReferenceAssertions = std::to_array<std::string_view>(
    {"statute", "article", "authority", "procedure_ref", "statutory_task", "consent_would_impede",
     "consent_difficult", "necessity_judgement", "written_ground"});
inline constexpr auto kDocumentAssertions =
    std::to_array<std::string_view>({"document_hash", "deed"});
inline constexpr auto kAssertions = Joined(kReferenceAssertions, kDocumentAssertions);
// Attestations of the recipient: contract, supervision, partner NDA, membership; in this order.
inline constexpr auto kAgreementNeeds =
    std::to_array<std::string_view>({"contract", "supervision_review", "valid_nda", "member_list"});
// By one other than the issuer, by two.
inline constexpr auto kApprovalNeeds =
    std::to_array<std::string_view>({"approver", "two_approvers"});
inline constexpr auto kConsentNeeds =
    std::to_array<std::string_view>({"consent_for_this_case", "permission_for_this_partner"});
inline constexpr auto kOtherNeeds =
    std::to_array<std::string_view>({"item_list", "notice_to_all_users"});
inline constexpr auto kRecipientNeeds =
    Joined(Joined(kAssertions, kAgreementNeeds),
           Joined(Joined(kApprovalNeeds, kConsentNeeds), kOtherNeeds));
inline constexpr auto kProcessors =
    std::to_array<std::string_view>({"forbidden", "partial", "allowed"});

inline constexpr auto kTriggers = std::to_array<std::string_view>(
    {"contract_cancelled", "account_deleted", "user_withdrawn", "purpose_complete",
     "consented_period_end", "supplied", "settled", "liability_ended", "case_closed", "cancelled",
     "value_changed", "parent_erased", "instruction_ended", "contract_concluded",
     "payment_received", "goods_supplied", "record_made"});
// Of those: what ends the contract of the person; and what nobody but a caller can say.
inline constexpr auto kContractEnds =
    std::to_array<std::string_view>({"account_deleted", "user_withdrawn", "cancelled"});
inline constexpr auto kToldEvents = std::to_array<std::string_view>(
    {"purpose_complete", "supplied", "settled", "liability_ended", "instruction_ended",
     "contract_concluded", "payment_received", "goods_supplied"});
// Types of matters that `case_is_complaint_or_dispute` is about.
inline constexpr auto kDisputedTypes = std::to_array<std::string_view>({"complaint", "dispute"});
inline constexpr auto kKeepWords = std::to_array<std::string_view>(
    {"unspecified", "by_instruction", "while_parent_lives", "unlimited"});
inline constexpr auto kThen = std::to_array<std::string_view>(
    {"destroy", "destroy_irrecoverably", "block_now_then_destroy", "stop_intake_now",
     "return_or_destroy", "operator_rule", "keep"});
inline constexpr auto kThenDestroys = std::to_array<std::string_view>(
    {"destroy", "destroy_irrecoverably", "block_now_then_destroy", "return_or_destroy"});
inline constexpr auto kRetentionNeeds =
    std::to_array<std::string_view>({"notice_at_collection", "consent"});
inline constexpr auto kRetentionWhen =
    std::to_array<std::string_view>({"case_is_complaint_or_dispute"});
inline constexpr auto kCombine = std::to_array<std::string_view>({"later_of", "earlier_of"});
inline constexpr auto kDestructionSteps =
    std::to_array<std::string_view>({"select", "approve", "crypto_shred", "certify"});
inline constexpr auto kPrintExports = std::to_array<std::string_view>({"attestation", "forbidden"});

inline constexpr auto kRightKinds = std::to_array<std::string_view>(
    {"access", "disclose", "search", "download", "register", "correct", "change", "erase",
     "stop_use", "stop_processing", "unsubscribe", "existence", "purpose_notice", "complaint",
     "terminate"});
inline constexpr auto kRightWho =
    std::to_array<std::string_view>({"subject", "agent", "guardian", "tenant"});
inline constexpr auto kWhen = std::to_array<std::string_view>({"any_time", "office_hours"});
inline constexpr auto kEffects =
    std::to_array<std::string_view>({"immediate", "promptly", "without_delay"});
inline constexpr auto kIdentity =
    std::to_array<std::string_view>({"required_before_execution", "login", "none_stated"});
inline constexpr auto kRightChannels =
    std::to_array<std::string_view>({"in_person", "menu", "mail", "phone", "as_the_person"});
inline constexpr auto kEvidence = std::to_array<std::string_view>(
    {"driving_licence", "passport", "photo_member_card", "mandate", "own_identity"});
// How it is seen who asks, where a right does not say.
inline constexpr auto kIdentityMethods = std::to_array<std::string_view>(
    {"driving_licence", "passport", "photo_member_card", "mandate", "own_identity", "login",
     "electronic_id", "in_person", "call_back", "letter"});
inline constexpr auto kFeeModels =
    std::to_array<std::string_view>({"none", "none_stated", "flat", "free_quota_then"});
inline constexpr auto kFeeMethods = std::to_array<std::string_view>({"cash", "transfer", "stamps"});
inline constexpr auto kCorrection =
    std::to_array<std::string_view>({"freeze", "investigate", "immediate"});
inline constexpr auto kFreeze = std::to_array<std::string_view>({"use", "provide"});
inline constexpr auto kGrounds = std::to_array<std::string_view>(
    {"untrue", "beyond_published_purpose", "wrongful_acquisition", "no_longer_needed"});
inline constexpr auto kSteps =
    std::to_array<std::string_view>({"identity", "investigate", "decide", "notify", "destroy"});
inline constexpr auto kSelfSetting = std::to_array<std::string_view>({"item", "family", "all"});
inline constexpr auto kEssential = std::to_array<std::string_view>({"only_by_withdrawal"});
inline constexpr auto kRefusals = std::to_array<std::string_view>(
    {"statute_or_legal_duty", "harm_to_others", "contract_active_without_termination",
     "no_legal_duty", "category_not_covered"});
inline constexpr auto kAnswers =
    std::to_array<std::string_view>({"not_held", "not_subject", "formal_notice"});

inline constexpr auto kConsentEvents = std::to_array<std::string_view>(
    {"collection", "link", "third_party", "policy_change", "purpose_extension", "longer_storage"});
inline constexpr auto kConsentWhen =
    std::to_array<std::string_view>({"before_collection", "at_collection", "at_link", "before_use",
                                     "before_provision", "law_requires_it"});
inline constexpr auto kConsentWho =
    std::to_array<std::string_view>({"subject", "guardian", "registered_user"});
inline constexpr auto kConsentScopes =
    std::to_array<std::string_view>({"agreed_items", "this_case"});

inline constexpr auto kVaultTransport = std::to_array<std::string_view>({"tls_required"});
inline constexpr auto kAllowPlain =
    std::to_array<std::string_view>({"never", "per_tenant_choice", "always"});
inline constexpr auto kServerCertificate = std::to_array<std::string_view>({"verified"});
inline constexpr auto kPeerForms =
    std::to_array<std::string_view>({"plain", "hashed", "truncated"});
inline constexpr auto kPeerAttributes =
    std::to_array<std::string_view>({"peer_host", "peer_ip", "agent", "os", "time"});
inline constexpr auto kOnFailure = std::to_array<std::string_view>({"deny_data"});
inline constexpr auto kNone = std::to_array<std::string_view>({"none"});

inline constexpr auto kNoticeEvents = std::to_array<std::string_view>(
    {"contract_cancelled", "destruction_scheduled", "correction_completed", "consent_withdrawn"});
inline constexpr auto kNoticeContent =
    std::to_array<std::string_view>({"record_count", "destruction_date", "field_names", "reason"});
inline constexpr auto kNoticeTo =
    std::to_array<std::string_view>({"tenant", "subject", "past_recipients"});

inline constexpr auto kExtensions =
    std::to_array<std::string_view>({"closed", "consent", "notice_overlay", "derived"});
inline constexpr auto kDerivedNeeds =
    std::to_array<std::string_view>({"parent", "reason", "approver"});
inline constexpr auto kPolicyNotice = std::to_array<std::string_view>(
    {"before_effective", "at_effective", "top_page_posting", "none_required"});
inline constexpr auto kPolicyContent =
    std::to_array<std::string_view>({"reason", "diff", "parts", "time"});
inline constexpr auto kConsentIf = std::to_array<std::string_view>({"law_requires_it", "always"});
inline constexpr auto kNotifySubjects =
    std::to_array<std::string_view>({"immediate", "without_delay"});
inline constexpr auto kCharacterClasses =
    std::to_array<std::string_view>({"letter", "upper", "lower", "digit", "symbol"});
inline constexpr auto kUnlinkable = std::to_array<std::string_view>({"mails", "recipients"});
inline constexpr auto kCycles = std::to_array<std::string_view>({"PDCA"});

}  // namespace piivault::authz::vocabulary

#endif  // PIIVAULT_AUTHZ_VOCABULARY_H_
