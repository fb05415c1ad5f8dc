// Whether two names are the same, for lists of names that each call walks. Internal to authz.
#ifndef PIIVAULT_AUTHZ_SAME_NAME_H_
#define PIIVAULT_AUTHZ_SAME_NAME_H_

#include <string_view>

namespace piivault::authz {

// Names of one kind begin alike ("reader.email", "reader.phone"; "c10", "c11"), so most that differ
// do so at their end.
inline bool SameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || (a.back() == b.back() && a == b));
}

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_SAME_NAME_H_
