// What the policy's `rights` say of people's requests about their own data. Pure; thread-safe.
#ifndef PIIVAULT_AUTHZ_RIGHT_RULES_H_
#define PIIVAULT_AUTHZ_RIGHT_RULES_H_

#include <string_view>

#include "absl/types/span.h"
#include "authz/policy.h"
#include "authz/reason.h"

namespace piivault::authz {

// Null: the policy has no right by this id.
const RightSpec* FindRight(const Policy& policy, std::string_view id);

// A request that somebody takes down.
struct RequestTerms {
  std::string_view kind;
  std::string_view ground;  // Why it is asked for.
  absl::Span<const FieldId> fields;
  const RoleSpec* role = nullptr;  // Of the caller.
  bool by_the_person = false;      // The role acts for the very person whose data it is.
};

// kOk; kRightNotGiven where the right is none over these fields, of this kind, or for who asks.
// Whoever asks is known of roles that act for people only; staff and services write down what they
// were told. kMalformedRequest for a ground that is not one of the right's, or is missing.
// `*argument` says what of `request` it is: `right` where it is who asks, or nothing is to be had.
Reason CheckRequest(const RightSpec& right, const RequestTerms& terms, std::string_view* argument);

// Whether it must have been seen who asks before anything is done. So it is where the policy is
// silent. `by_the_person`: a login of the person's has asked.
bool AsksForIdentity(const RightSpec& right, bool by_the_person);

// Whether that is a way to see who asks: one that the right names, or of vocabulary.h where it
// names none.
bool IsIdentityMethod(const RightSpec& right, std::string_view method);

// An article of a law, as it is cited: `85-3`, `art.126`. It has a digit and at most 24 characters.
bool IsArticle(std::string_view text);

// A refusal.
struct RefusalTerms {
  std::string_view kind = {};  // Of the request.
  std::string_view ground = {};
  std::string_view law = {};
  std::string_view article = {};
  bool has_document = false;
  bool contract_stands = false;  // It lasts, and the person has not said that it is to end.
};

// kOk; kGroundNotAdmitted for what the right may not be refused on, what does not hold, or a law
// that the policy does not name; kMalformedRequest where something is missing or does not belong to
// the ground. Then `*argument` says what of `refusal`.
Reason CheckRefusal(const Policy& policy, const RightSpec& right, const RefusalTerms& terms,
                    std::string_view* argument);

// Whether a refusal on this ground is for whoever may approve exceptions: it weighs the interests
// of others, or is one of the right's exceptions.
bool IsException(const RightSpec& right, std::string_view ground);
// Grounds that hold only while the contract stands.
bool RestsOnContract(std::string_view ground);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_RIGHT_RULES_H_
