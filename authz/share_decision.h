// The decision about sharing: may this recipient have these fields of this person, now, under this
// sharing rule of the policy, on the word of this issuer?
//
// Pure functions of their arguments, asked when an export token is issued and again at each message
// of its redemption. Default deny. They say nothing of tokens: uses, revocation and who redeems are
// checked by whoever holds the rows.
//
// Which reason a refused disclosure gets, in this order:
//  1. RECIPIENT_UNKNOWN, RECIPIENT_DISABLED, SHARING_RULE_UNKNOWN, OWN_RECIPIENT (the issuer's
//     person registered or changed it, or recorded an attestation that this rests on; unless one
//     person is allowed to do what two should).
//  2. What the usual decision says of the issuer: verb `export`, these fields, this purpose.
//  3. Of the rule: RECIPIENT_KIND_NOT_ADMITTED (category, country; a processor where there are to
//     be none; of category `controller`, whose data it is), PURPOSE_NOT_GRANTED,
//     RECIPIENT_NOT_GRANTED (a field that is not the rule's, that a `never` rule names, or beyond
//     what processors may have; more people than they may have), TOKEN_TERMS (uses, lifetime).
//  4. Of its needs, in the order of the policy: ASSERTION_MISSING or ASSERTION_INVALID;
//     NDA_*, AGREEMENT_MISSING, AGREEMENT_EXPIRED, AGREEMENT_REVOKED; RECIPIENT_NOT_GRANTED
//     (a field or purpose that the agreement does not name); CONSENT_MISSING;
//     USERS_NOT_NOTIFIED. Then of each of its matters: ARGUMENT_MISSING, MATTER_UNKNOWN,
//     RECIPIENT_NOT_GRANTED (a matter that the recipient is not there for).
//  5. FIELD_COMBINATION.
//  6. APPROVAL_MISSING.
// Fields concerned are named in ShareDecision::denied where the reason is about fields.
#ifndef PIIVAULT_AUTHZ_SHARE_DECISION_H_
#define PIIVAULT_AUTHZ_SHARE_DECISION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "authz/decision.h"
#include "authz/policy.h"

namespace piivault::authz {

// Evidence about a recipient, recorded by somebody of the operator's.
struct RecipientAttestation {
  std::string id = {};
  AttestationKind kind = AttestationKind::kUnspecified;
  absl::Time signed_at = absl::InfiniteFuture();
  absl::Time valid_until = absl::InfinitePast();   // Inclusive.
  absl::Time revoked_at = absl::InfiniteFuture();  // In force until the instant before.
  std::vector<std::string> fields = {};            // "pi.name", "pi.*": what it is about.
  std::vector<std::string> purposes = {};          // Empty: of any.
  std::string recorded_by_person = {};             // Whose principal recorded it.
};

// A matter that a recipient is there for: it is option O-17's provider.
struct RecipientMatter {
  std::string kind;
  std::string id;
};

// A registered recipient, as the decision takes it. Never holds anything about a person whose data
// is shared.
struct Recipient {
  std::string name;      // "tenants/default/recipients/yamato"
  std::string category;  // One of vocabulary::kRecipientKinds but "any".
  std::string country;   // ISO 3166-1 alpha-2.
  // Whose entrusted data it may have, for category `controller`; as records name it.
  std::string controller;
  bool disabled = false;
  std::string registered_by_person;
  // Who has changed since what decisions rest on: country, controller, matters.
  std::vector<std::string> changed_by_persons;
  std::vector<RecipientAttestation> attestations;  // Revoked and expired ones too.
  std::vector<RecipientMatter> matters;
};

// What is asked. Borrowed for the time of the call.
struct ShareInput {
  // The issuer and the use: principal, person, attestations, tenant, purpose, ticket, arguments,
  // the tenant's matters, `now`. Verb, type and fields are set by the functions below.
  DecisionInput issuer;
  const Recipient* recipient = nullptr;  // Null: RECIPIENT_UNKNOWN.
  std::string_view rule;                 // Id of a RecipientSpec.
  absl::Span<const FieldId> fields;      // Of one or several types; each once.
  // What the rule's basis asks for, by the names of vocabulary::kAssertions.
  absl::Span<const Argument> assertions;
  // The items that were asked for by whoever gets them, for rules of `requested_items`.
  absl::Span<const FieldId> requested;
  size_t subjects = 1;  // Of the token; 0 where the number is not known yet.
  uint32_t uses = 1;
  absl::Duration lifetime = absl::ZeroDuration();
  // Consents must have been given before. At the issue: now.
  absl::Time issued_at = absl::InfinitePast();
  // By different persons, none of them the issuer's. At the issue, before there can be any, as many
  // as are needed.
  uint32_t approvals = 0;
  // One person may do what two should.
  bool single_operator = false;
  // Whether all of the tenant's people were told in time, for rules that ask it.
  bool users_notified = false;
};

// What is known of the person.
struct ShareSubject {
  const SubjectFacts* person = nullptr;
  absl::Span<const FieldId> held;  // What the recipient has had of this person, of any type.
};

struct ShareDecision {
  Reason reason = Reason::kRecipientUnknown;
  const RecipientSpec* rule = nullptr;
  // Fields that the reason is about.
  absl::InlinedVector<FieldId, 4> denied;
  // Name of the need (or matter, or assertion) that is not met, of the policy's words; else empty.
  std::string_view need;
  // What it leans on; null where it does not.
  const RecipientAttestation* attestation = nullptr;
  const ConsentFact* consent = nullptr;  // Lives as long as the facts.
  // Of the issuer: role, attestation and first grant, for the entry.
  const RoleSpec* role = nullptr;
  const Attestation* issuer_attestation = nullptr;
  const GrantSpec* grant = nullptr;
  // First instant at which this no longer holds by the passing of time alone.
  absl::Time good_until = absl::InfiniteFuture();

  bool granted() const { return reason == Reason::kOk; }
};

// Whether the recipient is what it is by this person's doing, its attestations aside.
bool HasMade(const Recipient& recipient, std::string_view person);
// How many approvals the rule asks for: 0, 1 or 2.
uint32_t ApprovalsOf(const RecipientSpec& rule);
// Whether the rule asks that all of the tenant's people were told, and since when at the latest a
// person must have been: the beginning of the first day of which `now` is at least the rule's lead
// behind, in the policy's zone. Nothing where it asks for none.
struct NoticeGate {
  MatterId matter = 0;     // Opened with each person when the notice went out.
  absl::Time told_before;  // Exclusive.
};
std::optional<NoticeGate> NoticeGateOf(const Policy& policy, const RecipientSpec& rule,
                                       absl::Time now);
// The longest life of the rule's tokens.
absl::Duration LifetimeOf(const RecipientSpec& rule);

// Refuses what needs no look-up: everything but what is about a person, whose facts are taken to be
// favourable. Whatever the next one grants for some person, this grants too.
ShareDecision DecideShare(const Policy& policy, const ShareInput& input);
// The whole decision about one person's record of `type`: `fields` are those of input.fields that
// are of that type.
ShareDecision DecideShareWithSubject(const Policy& policy, const ShareInput& input, TypeId type,
                                     absl::Span<const FieldId> fields, const ShareSubject& subject);

inline constexpr absl::Duration kMaxTokenLifetime = absl::Hours(24);
inline constexpr absl::Duration kDefaultTokenLifetime = absl::Minutes(15);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_SHARE_DECISION_H_
