#ifndef PIIVAULT_VAULT_AUDIT_ENTRY_BUILDER_H_
#define PIIVAULT_VAULT_AUDIT_ENTRY_BUILDER_H_

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "authz/policy_spec.h"
#include "authz/reason.h"
#include "piivault/storage/v1/entry.pb.h"
#include "storage/engine.h"
#include "vault/crypto/hmac.h"
#include "vault/crypto/random.h"

namespace piivault::vault {

// The address of a gRPC peer text (`ipv4:192.0.2.7:4711`, `ipv6:[2001:db8::1]:4711`, also with the
// brackets as %5B and %5D) in the form that a policy allows:
//   kPlain      192.0.2.7, 2001:db8::1
//   kTruncated  192.0.2.0/24, 2001:db8::/48
//   kHashed     first 16 hexadecimal digits of HMAC(key, address): equality under one key only
// Ports are left out. Empty for a peer without address (a socket file) or one that is not
// understood.
std::string FormatPeer(std::string_view peer, authz::PeerForm form, const HmacKey& key);

// How the log calls a refusal: DENIED where somebody may not, FAILED where the call could not be
// carried out for another reason. GRANTED for kOk.
storage::v1::Decision DecisionFor(authz::Reason reason);

// What every entry of one call begins with. Borrowed views: valid until NewEntryBody() returns.
struct EntryHeader {
  absl::Time time;
  std::string_view principal;           // without `principals/`; empty for an unknown caller
  std::string_view certificate_sha256;  // 32 bytes
  std::string_view method;              // `piivault.v1.VaultService/RevealRecord`
  std::string_view tenant;              // without `tenants/`; empty for acts on the vault
  std::string_view policy_sha256;       // 32 bytes, or empty
  std::string_view peer;                // as FormatPeer() made it
};

// A body that holds the header, and decision and reason as `reason` says; the caller adds items and
// whatever else there is, and may change the decision to PARTIAL.
storage::v1::EntryBody NewEntryBody(const EntryHeader& header, authz::Reason reason);

// Serializes an entry, with a salt from `random`. These bytes are what the log keeps for good.
storage::EntryDraft DraftEntry(const storage::v1::EntryRetained& retained,
                               const storage::v1::EntryBody& body, RandomSource& random);
// The same for an act that wrote no record.
storage::EntryDraft DraftEntry(const storage::v1::EntryBody& body, RandomSource& random);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_AUDIT_ENTRY_BUILDER_H_
