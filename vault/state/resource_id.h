#ifndef PIIVAULT_VAULT_STATE_RESOURCE_ID_H_
#define PIIVAULT_VAULT_STATE_RESOURCE_ID_H_

#include <string_view>

namespace piivault::vault {

// An id that a caller may choose: lower-case letters, digits and `-`, 1 to 40 characters, neither
// beginning nor ending with `-`.
bool IsResourceId(std::string_view id);

// 64 lower-case hexadecimal digits.
bool IsSha256Hex(std::string_view text);

// A certificate identity as the transport writes it: `spiffe://{trust domain}/{path}` or
// `dns:{name}`, at most 512 characters; domain and DNS name in lower case.
bool IsIdentityUri(std::string_view uri);

// An identifier of a policy: letters, digits, `_`, `-`, `.`; 1 to 64 characters.
bool IsPolicyIdentifier(std::string_view text);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_RESOURCE_ID_H_
