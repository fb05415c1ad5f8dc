// What a policy says, once loaded: plain structs, immutable behind Policy.
//
// Types, purposes, roles and grants are enforced by the decision (decision.h). The rest is held
// typed and complete for those who enforce it: sharing, retention, rights, consent. Words from
// closed vocabularies (kinds, bases, triggers, …) are kept as their names; the loader refuses words
// that are not in vocabulary.h.
#ifndef PIIVAULT_AUTHZ_POLICY_SPEC_H_
#define PIIVAULT_AUTHZ_POLICY_SPEC_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "authz/field_spec.h"
#include "authz/operation.h"
#include "authz/principal.h"
#include "authz/reason.h"
#include "authz/semantic_type.h"

namespace piivault::authz {

using RoleId = uint8_t;
using PurposeId = uint8_t;
using GrantIndex = uint16_t;
using MatterId = uint8_t;

// Language tag ("en", "ja") and text. For people only, never part of a decision.
using Labels = std::vector<std::pair<std::string, std::string>>;

// Where a rule comes from.
struct Origin {
  std::string clause;    // "000-14"; several are separated by commas.
  bool assumed = false;  // Not in the operator's text.
  std::string note;
  int line = 0;
};

struct TypeSpec {
  TypeId id = 0;
  std::string name;
  Labels labels;
  Origin origin;
  std::string controller;             // operator, tenant or partner.
  std::vector<std::string> channels;  // Of those of its fields that name none.
  uint32_t history = 0;               // The same.
  std::vector<FieldId> fields;        // In the order of the file.
};

struct GroupSpec {
  std::string name;
  std::vector<FieldId> fields;
};

// What a matter hangs on: a person, the tenant, or the controller that entrusted the data.
enum class MatterAbout : uint8_t { kSubject, kTenant, kController };

// A kind of thing that goes on for a while and that some uses of data rest on: a case, an order, an
// instruction of a partner, a migration.
struct MatterSpec {
  MatterId id = 0;
  std::string name;
  Labels labels;
  Origin origin;
  MatterAbout about = MatterAbout::kSubject;
  std::vector<std::string> states;  // The first is the one it is opened in.
  // What sorts of it there are, the first where nothing is said; one never turns into an earlier
  // one.
  std::vector<std::string> types;
};

// The call names a matter of this kind (argument of the kind's name) that is in one of the states.
struct MatterNeed {
  MatterId matter = 0;
  std::vector<std::string> states;  // Never empty.
};

enum class PurposeOutput : uint8_t { kAny, kTokenized, kAggregateOnly, kPseudonym };

struct PurposeSpec {
  PurposeId id = 0;
  std::string name;
  Labels labels;
  Origin origin;
  bool needs_ticket = false;
  // What the call must bring besides, e.g. "option_id"; in DecisionInput::arguments.
  std::vector<std::string> needs;
  std::vector<MatterNeed> matters;  // Any of them; empty: none asked.
  PurposeOutput output = PurposeOutput::kAny;
  // The person must have consented to this purpose, before each use.
  bool consent = false;
  // Holds whatever notice the data was collected under: the person's own rights, duties by law.
  bool despite_notice = false;
  // Of a purpose that follows from another: those that it may follow from. The call names one
  // (argument `parent`); fields and stops of use are that one's as well.
  std::vector<PurposeId> parents;
};

enum class RoleKind : uint8_t { kStaff, kService, kTenant, kSubject, kRecipient, kProcessor };
enum class RoleScope : uint8_t { kAny, kOwnTenant, kOwnRecord, kOwnAccount, kRepresented };

struct RoleSpec {
  RoleId id = 0;
  std::string name;
  Labels labels;
  Origin origin;
  RoleKind kind = RoleKind::kStaff;
  RoleScope scope = RoleScope::kAny;
  std::vector<Employment> employment;  // Empty: any that is not forbidden.
  std::vector<std::string> duties;     // All of them.
  std::string department;              // Empty: any.
  bool per_department = false;         // Bound to the departments of its holders.
  std::vector<AttestationKind> nda;    // Any of them suffices; empty: none asked.
  bool nda_not_stated = false;         // The text is silent; nda holds the policy's default.
  bool equivalent_needs_nda = true;
  std::vector<AttestationKind> attested;  // All of them besides, e.g. training.
  bool needs_ticket = false;
  bool needs_justification = false;  // On the binding.
  bool needs_end_date = false;       // On the binding.
  bool needs_fields = false;         // On the binding: which fields it is for.
  std::vector<MatterNeed> matters;   // Any of them, at each call; empty: none asked.
  std::vector<std::string> needs;    // Further needs, checked where they arise.
  uint32_t holders = 0;              // At most so many; 0: no limit.
  bool assignable = true;            // False where `access` is not direct.
  // Taken by its holder alone in an emergency, for at most so long; zero: an ordinary role.
  absl::Duration break_glass = absl::ZeroDuration();
  std::string access;  // direct, in_person, or the role that acts for it.
};

enum class View : uint8_t { kDenied, kMasked, kToken, kPlain };

// Facts about the subject that a grant may ask for. All that stand must hold.
enum class Condition : uint8_t {
  kSubscribed,
  kContractActive,
  kOwnDepartment,
  kConsented,  // To this purpose.
  kNoticed,    // The notice under which the record was collected names this purpose.
  kOwnId,      // The person is not a member of somebody else's account.
};
inline constexpr size_t kConditionCount = 6;

struct GrantSpec {
  GrantIndex index = 0;
  std::string id;
  Origin origin;
  RoleId role = 0;
  std::vector<Verb> may;
  std::vector<FieldId> fields;
  std::vector<TypeId> types;
  std::vector<PurposeId> purposes;
  View view = View::kPlain;
  std::vector<Condition> when;
};

// A set of fields that may be named or be one of the words of vocabulary.h, e.g.
// "requested_items".
struct FieldSelection {
  std::vector<FieldId> fields;
  std::string word;
  bool empty() const { return fields.empty() && word.empty(); }
};

// A matter that a disclosure rests on.
struct ShareMatter {
  MatterNeed need;
  bool own = false;  // The recipient has to be registered for this very matter.
};

// A sharing rule: what recipients of one kind may have, on which legal basis.
struct RecipientSpec {
  std::string id;
  Labels labels;
  Origin origin;
  std::string kind;  // Of vocabulary::kRecipientKinds.
  FieldSelection fields;
  std::vector<PurposeId> purposes;
  bool consented_purposes = false;
  std::string basis;
  std::vector<std::string> needs;    // Of vocabulary::kRecipientNeeds.
  std::vector<ShareMatter> matters;  // All of them.
  bool single_use = false;
  absl::Duration lifetime = absl::ZeroDuration();  // Of tokens, at most; zero: the vault's.
  // Where the recipient has to be; empty: in one of RecipientRules::home.
  std::vector<std::string> countries;
  // Of `notice_to_all_users`: how long before, and the matter that is opened with each person when
  // it is told.
  std::string notice_lead;
  std::optional<MatterId> notice;
};

enum class Processors : uint8_t { kForbidden, kPartial, kAllowed };

// Of these fields of one person, one recipient gets no more than so many, by all tokens together.
struct CombinationSpec {
  Origin origin;
  std::vector<FieldId> fields;
  uint32_t at_most = 0;
  std::vector<std::string> kinds;  // Whom it binds; empty: recipients of any kind.
};

struct NeverShareSpec {  // These fields never go to recipients of these kinds.
  Origin origin;
  std::vector<FieldId> fields;
  std::vector<std::string> kinds;
};

struct RecipientRules {
  Origin origin;
  Processors processors = Processors::kForbidden;
  std::vector<FieldId> partial_fields;  // The most a processor may get, for kPartial.
  uint32_t partial_subjects = 0;
  std::vector<NeverShareSpec> never;
  std::vector<CombinationSpec> combinations;
  std::vector<std::string> bases;  // The only ones; empty: any.
  std::vector<std::string> home;   // Countries; empty: recipients may be anywhere.
  std::string keep;                // How long the ledger is kept: "3y".
};

struct RetentionSpec {
  std::string id;
  Origin origin;
  std::vector<FieldId> fields;
  std::vector<std::string> triggers;
  bool all_triggers = false;  // All of several, else any.
  std::string keep;           // "30d", "5y", "0", or a word; RetentionEnd() counts.
  std::string hold;           // The law that asks to keep.
  std::string then;
  std::string approval;  // Role, or "none".
  std::string when;
  std::vector<std::string> needs;
  std::vector<PurposeId> readable_for;
};

struct RetentionRules {
  Origin origin;
  std::string combine;
  bool separate = false;
  std::vector<PurposeId> open_purposes;
  std::vector<std::string> destruction_steps;
  std::string destruction_approval;
  std::string print_exports;
};

struct FeeSpec {
  std::string model;
  int64_t amount_jpy = 0;
  uint32_t free_per_calendar_month = 0;
  std::string method;
};

struct RightSpec {
  std::string id;
  Origin origin;
  std::vector<std::string> who;
  std::vector<std::string> kinds;
  std::vector<FieldId> fields;
  std::string when;
  bool until_destruction = false;  // Open between the end of the contract and the destruction.
  std::string effect;
  std::string identity;
  std::vector<std::string> channels;
  std::vector<std::string> evidence;
  FeeSpec fee;
  std::string correction;  // freeze, investigate or immediate.
  std::vector<std::string> freeze;
  std::string notify_past_recipients;
  bool track_until_acknowledged = false;
  std::vector<std::string> grounds;
  std::vector<std::string> steps;
  std::vector<std::string> self_setting;
  std::string essential;
  std::vector<std::string> refusal;
  bool refusal_closed = false;
  std::string answer;
  std::string refer_to;
  std::vector<std::string> exceptions;
};

// What data was said to be for when it was collected. A record keeps the notice that it came in
// under; a later one never widens it.
struct CollectionNoticeSpec {
  std::string id;
  Labels labels;
  Origin origin;
  std::vector<PurposeId> purposes;
};

// How old somebody is, for `if: age_under_N`.
enum class AgeReached : uint8_t {
  kOnBirthday,  // At the beginning of the birthday.
  kDayBefore,   // At the beginning of the day before.
};

struct AgeSpec {
  Origin origin;
  AgeReached reached = AgeReached::kOnBirthday;
  bool unknown_allowed = false;  // Whether data comes in of somebody whose age is not known.
};

// Which text the staff has to have acknowledged, for `attested: [acknowledgement]`.
struct AcknowledgementSpec {
  Origin origin;
  std::string document_sha256;           // Lower-case hex.
  absl::Time by = absl::InfinitePast();  // Until then it is not asked for.
};

struct ConsentSpec {
  std::string id;
  Origin origin;
  std::vector<std::string> event;
  std::vector<FieldId> fields;
  std::string when;
  std::string who;
  uint32_t under_age = 0;  // Asked of people younger than that; 0: of everybody.
  std::string scope;
};

enum class IntakePlain : uint8_t { kNever, kPerTenantChoice, kAlways };

struct TransportSpec {
  Origin origin;
  IntakePlain allow_plain = IntakePlain::kNever;
  bool record_channel = false;  // The front hop and channel must be stated with each write.
  uint32_t min_cipher_bits = 0;
  bool server_certificate_verified = true;
};

struct NoticeSpec {
  Origin origin;
  std::string on;
  std::vector<std::string> content;
  std::string to;
};

enum class PeerForm : uint8_t { kPlain, kHashed, kTruncated };

struct AuditSpec {
  Origin origin;
  PeerForm peer = PeerForm::kTruncated;
  std::vector<std::string> attributes;
};

struct PurposeRules {
  Origin origin;
  std::string extension;     // closed, consent, notice_overlay or derived.
  std::string record_field;  // Of notice_overlay.
  std::vector<std::string> derived_needs;
};

struct PolicyChangeSpec {
  Origin origin;
  std::string notice;
  std::string lead_time;
  std::vector<std::string> content;
  std::string consent_if;
  bool stylistic_exempt = false;
};

struct IncidentSpec {
  Origin origin;
  std::string notify_subjects;
  bool record_measures = false;
  std::string authority_contact;
};

// How credentials of these fields are chosen, and how long they hold.
struct CredentialRule {
  Origin origin;
  std::vector<FieldId> fields;       // All stored one way.
  std::vector<std::string> classes;  // All of letters, upper, lower, digits, symbols.
  uint32_t min_length = 8;           // Characters.
  absl::Duration max_age = absl::InfiniteDuration();
  uint32_t max_age_months = 0;              // Of the calendar, in place of max_age; 0: none.
  bool one_time = false;                    // Holds for one verification.
  uint32_t attempts = 10;                   // Failures one after another until it is locked.
  absl::Duration lock = absl::Minutes(15);  // For how long.
};

// What counts say about groups of people (`aggregate`).
struct AggregateRules {
  Origin origin;
  uint32_t min_group = 10;  // Persons; smaller groups are not shown.
  uint32_t round_to = 5;    // Counts are rounded down to a multiple.
};

// How much one principal may have released to it in one window of time. Windows begin at multiples
// of `per` since the beginning of 1970 (UTC).
struct BudgetSpec {
  std::string id;
  Labels labels;
  Origin origin;
  std::vector<RoleId> roles;                  // Under which it reads; empty: any.
  std::vector<PurposeId> purposes;            // For which it reads; empty: any, and none.
  uint32_t records = 0;                       // Each time that values of one are released.
  absl::Duration per = absl::ZeroDuration();  // One minute to one day.
};

struct TokenKindSpec {
  std::string id;
  Origin origin;
  std::vector<PurposeId> purposes;
  std::string unlinkable_across;
};

struct GovernanceSpec {
  Origin origin;
  bool per_department_manager = false;
  std::vector<std::string> standards;
  std::string training_interval;
  std::string supervision_interval;
  std::string cycle;
};

// How long a session may last: what follows one authentication. Infinite where the text is silent.
struct SessionRules {
  Origin origin;
  absl::Duration idle = absl::InfiniteDuration();      // Without any call.
  absl::Duration absolute = absl::InfiniteDuration();  // In all.
};

// A document that binds the operator.
struct DocumentSpec {
  std::string name;
  std::string sha256;     // Empty while it is missing.
  std::string waived_by;  // The person who answers for its absence.
};

struct HeaderSpec {
  std::string id;
  Labels labels;
  std::string text_version;
  std::string enacted;
  std::string revised;
  std::vector<std::string> laws;
  std::vector<DocumentSpec> documents;
  std::string timezone;
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_POLICY_SPEC_H_
