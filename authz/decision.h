// The decision: may this principal do this, now, with these fields, for this purpose?
//
// Pure functions of their arguments. Default deny. One role answers one call: rights of several
// roles of a principal are never mixed, so that the entry can name the role.
//
// Which reason a refused call gets, in this order:
//  1. PRINCIPAL_UNKNOWN, PRINCIPAL_DISABLED.
//  2. TENANT_UNKNOWN (no tenant named); TENANT_MISMATCH where a tenant's own principal names
//     another tenant.
//  3. The person's employment is forbidden to everybody: OUTSOURCING_FORBIDDEN, or
//     EMPLOYMENT_NOT_ADMITTED.
//  4. No role in this tenant: ROLE_EXPIRED where a binding for it is over, TENANT_MISMATCH where
//     there are roles in other tenants only, else ROLE_NOT_GRANTED. A break-glass role that is not
//     taken, or no longer, is as if it were not granted; so is a role that was one when it was
//     given.
//  5. Of the roles that the person is admitted to (kind, employment, NDA, …): if one grants all,
//     the call is granted. If one grants some, that one; the reason is that of its first denied
//     field, FIELD_UNKNOWN before others. (Grants most fields; then most plain; then the policy's
//     order.)
//  6. If a role that the person is *not* admitted to would grant something: why it is not admitted
//     (NDA_EXPIRED rather than ROLE_NOT_GRANTED). First in the policy's order.
//  7. The reason of the admitted role that got furthest: OPERATION_NOT_GRANTED, TYPE_UNKNOWN,
//     PURPOSE_MISSING, PURPOSE_UNKNOWN, PURPOSE_NOT_GRANTED, those of the request, of the subject,
//     of the fields. With no admitted role: why the first is not admitted.
// Of the request: TICKET_INVALID, TICKET_MISSING, ARGUMENT_MISSING (what the purpose needs),
// PURPOSE_PARENT_UNKNOWN, TICKET_MISSING and ARGUMENT_MISSING (what the parent needs),
// ARGUMENT_MISSING (a matter of the purpose, of its parent, of the role), MATTER_UNKNOWN (the
// tenant's matters, in that order), NOTICE_MISSING, NOTICE_UNKNOWN, SUBJECT_REQUIRED, CHANNEL_*,
// FIELD_MISSING. Of the subject: SUBJECT_ERASED, NOT_OWN_RECORD, MEMBER_WITHOUT_ID,
// MATTER_UNKNOWN, NOTICE_FORBIDS, CONSENT_MISSING (to the purpose); for writes, of each consent
// that every write needs, in the policy's order: AGE_UNKNOWN, GUARDIAN_CONSENT_MISSING or
// CONSENT_MISSING. Of a field: FIELD_UNKNOWN; where no grant gives it, the first condition that
// does not hold, or READ_NEVER, COMM_SECRET, FIELD_NOT_SEARCHABLE, FIELD_NOT_TOKENIZED,
// FIELD_WITHOUT_HISTORY, FIELD_NOT_GRANTED. Where one does: FIELD_NOT_GRANTED (the binding is for
// other fields; the parent purpose has no use for it), USE_STOPPED, RETENTION_OVER, KEPT_BY_LAW,
// SUBJECT_RESTRICTED (frozen; these two where it is not shown to whom it concerns); for values that
// come in FIELD_RETIRED, CHANNEL_MISSING, CHANNEL_NOT_ALLOWED, and of each consent that the field
// needs the same three as above; a view that it cannot have. Why a role is not admitted, in this
// order: ROLE_NOT_ASSIGNABLE, PRINCIPAL_KIND_NOT_ADMITTED, PERSON_UNKNOWN, EMPLOYMENT_NOT_ADMITTED,
// JUSTIFICATION_*,
// DUTY_MISSING, DEPARTMENT_MISMATCH, NDA_*, ATTESTATION_*. Of several attestations that fail, the
// person's own one signed last speaks: revoked before expired; one signed by somebody else only
// where there is no own one.
#ifndef PIIVAULT_AUTHZ_DECISION_H_
#define PIIVAULT_AUTHZ_DECISION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "authz/policy.h"

namespace piivault::authz {

// Protection of the hop between the person and the service that calls. Unspecified counts as plain
// where the policy forbids plain.
enum class FrontHop : uint8_t { kUnspecified, kTls, kPlain };

// What the call brings besides purpose and ticket, e.g. {"option_id", "O-17"}. Neither is empty.
struct Argument {
  std::string_view name = {};
  std::string_view value = {};
};

// A case, order, instruction, …
struct MatterFact {
  std::string_view kind = {};  // Name of a MatterSpec.
  std::string_view id = {};
  std::string_view state = {};
  std::string_view party = {};                    // Of MatterAbout::kController: whose.
  absl::Time not_after = absl::InfiniteFuture();  // Inclusive.
  // Only for these; empty: for any.
  absl::Span<const std::string_view> purposes = {};
};

// Borrowed for the time of the call. Strings compare to names as stored; nothing is parsed.
struct DecisionInput {
  const Principal* principal = nullptr;        // Null: PRINCIPAL_UNKNOWN.
  const Person* person = nullptr;              // Whose principal it is; may be null.
  absl::Span<const Attestation> attestations;  // All of that person; revoked and expired ones too.
  std::string_view tenant;                     // "tenants/default", as in the bindings.
  Verb verb = Verb::kReveal;
  TypeId type = kNoType;             // kNoType where the name is unknown (TYPE_UNKNOWN).
  absl::Span<const FieldId> fields;  // kNoField where a name is unknown (FIELD_UNKNOWN).
  std::string_view purpose;          // Empty: not stated.
  std::string_view ticket;
  absl::Span<const Argument> arguments;
  // Of the tenant and the controllers: those that the arguments name are enough.
  absl::Span<const MatterFact> matters;
  absl::Time now = absl::InfinitePast();
  // The role to act with; empty: the best one.
  std::string_view role;
  // The person whom a service acts for (roles of kind subject); empty: none.
  std::string_view on_behalf_of;
  // Writes: how the data came in, and whether the tenant chose to accept plain front hops.
  std::string_view channel;
  FrontHop front_hop = FrontHop::kUnspecified;
  bool tenant_allows_plain = false;
  std::string_view notice;                           // Under which the data is collected; creates.
  absl::Time collected_at = absl::InfiniteFuture();  // Writes; later than `now`: `now`.
  std::optional<absl::CivilDay> born;                // What a write says of it.
  absl::Span<const FieldId> cleared;                 // Of `fields`: those that an update clears.
  // The most that the caller asks for; a caller may ask for masks although plain is granted.
  View wanted = View::kPlain;
};

// Stop of use: fields ("reader.email", "reader.*", empty: all) for a purpose (empty: all).
struct UseStop {
  std::string_view fields;
  std::string_view purpose;
};

// Somebody said yes.
struct ConsentFact {
  std::string_view id = {};       // Of a ConsentSpec.
  std::string_view purpose = {};  // Empty where it is about none.
  absl::Span<const std::string_view> fields =
      {};                                     // "ext.id", "ext.*"; empty: all that the spec names.
  absl::Time given = absl::InfiniteFuture();  // In force from this instant …
  absl::Time withdrawn = absl::InfiniteFuture();  // … to the one before this.
  bool by_guardian = false;
  std::string_view recipient = {};  // To giving the data to this recipient; empty: to none.
};

// Somebody who acts for the person under a mandate.
struct RepresentativeFact {
  std::string_view subject = {};                  // Name of the one who acts.
  absl::Time not_after = absl::InfiniteFuture();  // Inclusive.
};

// What is known of the person whose data it is, and of the record.
struct SubjectFacts {
  std::string_view subject;  // Name; empty for a person that this very call creates.
  bool erased = false;
  bool unsubscribed = false;
  bool contract_active = true;
  std::string_view department;  // That the data belongs to; for `when: [own_department]`.
  std::string_view holder;      // Of the account that the person is a member of; empty: none.
  std::optional<absl::CivilDay> born;
  absl::Span<const UseStop> stops;
  // "type.field" of each field that an open request freezes: until it is settled, no use of it. But
  // the person sees it (reveal and reveal_history, roles of kind subject), and so do roles that
  // have a grant of rights_request over it for the call's purpose, whatever the grant's conditions.
  absl::Span<const std::string_view> frozen;
  // "type.field" of each field of the record whose purpose is over and that only a law keeps: for
  // the policy's open purposes and the person (as of `frozen`) alone. retention.h says which these
  // are.
  absl::Span<const std::string_view> kept_by_law;
  // "type.field" of each field of the record that is due: no use of it, by anybody.
  absl::Span<const std::string_view> expired;
  absl::Span<const ConsentFact> consents;
  absl::Span<const RepresentativeFact> representatives;
  absl::Span<const MatterFact> matters;
  // Of the record; empty for one that this very call creates.
  std::string_view notice;
  std::string_view controller;
};

struct FieldDecision {
  FieldId field = kNoField;
  View view = View::kDenied;
  Mask mask = Mask::kNone;           // Set for View::kMasked.
  Reason reason = Reason::kOk;       // Set for View::kDenied.
  const GrantSpec* grant = nullptr;  // Null for View::kDenied.
};

struct Decision {
  Reason reason = Reason::kRoleNotGranted;  // kOk: everything that was asked is granted.
  // What the answer leans on; null where it did not get so far. Live as long as policy and input.
  const RoleSpec* role = nullptr;
  const PurposeSpec* purpose = nullptr;
  // That purpose (or else the role) asked for and the call named. Null as well where it could not
  // be looked at without the subject.
  const MatterSpec* matter = nullptr;
  const ConsentFact* consent = nullptr;      // That the use rests on.
  const Attestation* attestation = nullptr;  // The NDA that admitted, where the role asks for one.
  // Of verbs on types and tenants: the grant. Of verbs on fields: that of the first granted field.
  const GrantSpec* grant = nullptr;
  // In the order asked. Empty where the refusal is not about fields.
  absl::InlinedVector<FieldDecision, 8> fields;
  // First instant at which this grant no longer holds by the passing of time alone (binding,
  // attestation, justification, mandate, matter, consent). Meaningful where something is granted.
  absl::Time good_until = absl::InfiniteFuture();

  bool granted() const { return reason == Reason::kOk; }
  // At least one field is granted: what `allow_partial` may answer with.
  bool partial() const;
};

// Refuses what needs no look-up: role, operation, purpose, fields. Facts about a subject are taken
// to be favourable; what this grants must be decided again with them. Whatever
// DecideWithSubject grants for some subject, this grants too.
Decision DecideWithoutSubject(const Policy& policy, const DecisionInput& input);
// The whole decision, with what is known of the subject.
Decision DecideWithSubject(const Policy& policy, const DecisionInput& input,
                           const SubjectFacts& subject);

// Of a principal's system roles: kOk where it has one of `roles` at `now`. Attestations are not
// asked. PRINCIPAL_UNKNOWN, PRINCIPAL_DISABLED, SYSTEM_ROLE_REQUIRED.
Reason DecideSystemRole(const Principal* principal, SystemRoles roles, absl::Time now);

struct Admission {
  Reason reason = Reason::kOk;
  const RoleSpec* role = nullptr;
  // Where admitted: why calls with this role would be refused now, for want of evidence; kOk where
  // they would not. For people to see when they give the role.
  Reason evidence = Reason::kOk;
  // OK, or FAILED_PRECONDITION with the reason's name (whatever its canonical code in a call).
  absl::Status status() const;
};

// May `binding` be given to `principal` at all: the role exists, its kind, employment, duty,
// department, justification, end date, fields. `other_holders`: persons who hold the role in that
// tenant already, without this one. Want of evidence (NDA, pledge, training) does not keep a role
// from being given: evidence comes and goes while the role stays, every call asks for it, and until
// it is there the role does nothing.
Admission AdmitBinding(const Policy& policy, const RoleBinding& binding, const Principal& principal,
                       const Person* person, absl::Span<const Attestation> attestations,
                       absl::Time now, uint32_t other_holders = 0);

// Letters, digits and -_./:# , 1 to 64 characters.
bool IsValidTicket(std::string_view ticket);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_DECISION_H_
