// What a policy says of sharing, as a decision reads it: words of the text as flags, lists as
// bitsets. Internal to authz. Immutable.
#ifndef PIIVAULT_AUTHZ_COMPILED_SHARING_H_
#define PIIVAULT_AUTHZ_COMPILED_SHARING_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "authz/bit_set.h"
#include "authz/policy.h"
#include "authz/policy_change.h"

namespace piivault::authz {

// Which fields a rule gives.
enum class SharedFields : uint8_t {
  kNamed,
  kRequested,   // What was asked for.
  kApproved,    // What others approve.
  kConsented,   // What the person's consent names.
  kContracted,  // What the recipient's contract names.
  kOfOption,    // What its NDA names.
};

struct ShareNeed {
  enum class Kind : uint8_t {
    kReference,
    kDocument,
    kItemList,
    kAgreement,
    kConsentToCase,
    kPermission,
    kUsersNotified,
  };
  Kind kind;
  std::string_view name;
  AttestationKind agreement = AttestationKind::kUnspecified;  // Of kAgreement.
};

struct ShareRule {
  const RecipientSpec* spec = nullptr;
  bool any_kind = false;
  bool processor = false;  // Bound by what processors may have.
  SharedFields from = SharedFields::kNamed;
  BitSet fields;    // Of kNamed.
  BitSet purposes;  // Of those that are not consented_purposes.
  uint32_t approvals = 0;
  std::vector<ShareNeed> needs;  // In the order of the policy; approvals apart.
  CalendarDuration lead;         // How long before people are told: months, else days.
};

// Fields, and the kinds of recipients that a rule about them is for.
struct BoundFields {
  BitSet fields;
  std::vector<std::string_view> kinds;
  uint32_t at_most = 0;  // Of combinations.

  bool Binds(std::string_view category) const;
};

// A consent of event third_party.
struct ShareConsent {
  std::string_view id;
  bool all_fields;  // The policy does not say to which.
  BitSet fields;
};

class CompiledSharing {
 public:
  // Pointers lead into `policy`. REQUIRES: it has passed all checks and outlives this.
  explicit CompiledSharing(const Policy& policy);
  CompiledSharing(const CompiledSharing&) = delete;
  CompiledSharing& operator=(const CompiledSharing&) = delete;

  // Null where there is none.
  const ShareRule* Find(std::string_view id) const;
  const ShareConsent* FindConsent(std::string_view id) const;
  const std::vector<BoundFields>& never() const { return never_; }
  const std::vector<BoundFields>& combinations() const { return combinations_; }
  // Whether a processor may have the field.
  bool InPart(FieldId id) const { return whole_ || partial_.Has(id); }

 private:
  std::vector<ShareRule> rules_;
  std::vector<ShareConsent> consents_;
  std::vector<BoundFields> never_;
  std::vector<BoundFields> combinations_;
  bool whole_;  // Processors may have any field.
  BitSet partial_;
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_COMPILED_SHARING_H_
