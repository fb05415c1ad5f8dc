// What a policy declares about one field, once loaded. Plain data, read by vault/values (validation
// and masks), records (search, uniqueness) and tokens.
#ifndef PIIVAULT_AUTHZ_FIELD_SPEC_H_
#define PIIVAULT_AUTHZ_FIELD_SPEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "authz/semantic_type.h"

namespace piivault::authz {

// Dense number of a field within one policy snapshot: 0 .. Policy::field_count()-1. Means nothing
// outside that snapshot and is never stored.
using FieldId = uint16_t;
// Dense number of a record type within one policy snapshot.
using TypeId = uint16_t;

enum class Validation : uint8_t {
  kStrict,         // A value that is not of the type is refused.
  kAcceptAndFlag,  // It is stored as given and flagged. Size, UTF-8 and prohibited types still
                   // bind.
};

enum class TokenMode : uint8_t {
  kRandom,         // Points to the field, survives updates.
  kDeterministic,  // HMAC of the value per tenant and audience.
  kNone,           // The field has no tokens.
};

inline constexpr uint32_t kAllEarlierValues = 0xFFFFFFFF;

struct FieldSpec {
  FieldId id = 0;
  TypeId type = 0;
  std::string name;       // "email": unique within its type.
  std::string full_name;  // "reader.email": unique within the policy.
  SemanticType semantic = SemanticType::kText;
  Mask mask = Mask::kNone;  // Used by `view: masked`.
  uint32_t max_bytes = 0;
  std::string pattern;               // RE2 syntax, matches the whole value; empty: any.
  std::vector<std::string> choices;  // For `choice`: the allowed values; else empty.
  Validation validation = Validation::kStrict;
  bool required = false;      // A create without it is refused.
  bool unique = false;        // At most one live record per tenant and type. Implies index.
  bool index = false;         // Has a blind index.
  bool index_domain = false;  // E-mail: a second index over the domain.
  TokenMode token = TokenMode::kRandom;
  std::string audience;      // Of deterministic tokens.
  bool comm_secret = false;  // Secrecy of communications: shown to its tenant alone.
  bool read_never = false;   // Never leaves in any view; can be verified and rotated only.
  bool one_way = false;      // Stored so that nobody can read it back.
  bool important = false;    // Wrapped under the key class for important data.
  bool essential = false;    // Use of it cannot be stopped while the contract lasts.
  // Earlier values kept with the record; 0: none; kAllEarlierValues: a write beyond what a record
  // can keep is refused.
  uint32_t history = 0;
  bool dated = false;      // When its value came is kept: people may ask to have it corrected.
  bool retired = false;    // Takes no new values; what it holds is read as before.
  std::string controller;  // operator, tenant or partner.
  std::vector<std::string>
      channels;  // By which its values may come in; empty: any of the policy's.
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_FIELD_SPEC_H_
