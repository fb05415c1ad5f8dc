// Reads one test case that does not stand in the policy itself: a call that somebody asks about.
#ifndef PIIVAULT_AUTHZ_CASE_READER_H_
#define PIIVAULT_AUTHZ_CASE_READER_H_

#include <memory>
#include <string>

#include "authz/diagnostics.h"
#include "authz/policy.h"

namespace piivault::authz {

// The policy of `text` with one more case at the end of its cases: `yaml`, a map as it would stand
// under `cases`, of which `expect` may be left out. Its parameters (${…}) are not replaced. Null,
// with what is wrong in `diagnostics`, where the policy or the case cannot be read. The hash is
// that of `text`. REQUIRES: diagnostics != nullptr.
std::shared_ptr<const Policy> LoadWithCase(const PolicyText& text, const std::string& yaml,
                                           Diagnostics* diagnostics);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_CASE_READER_H_
