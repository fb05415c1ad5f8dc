// Instants at which something ends. Internal to authz.
#ifndef PIIVAULT_AUTHZ_INSTANT_H_
#define PIIVAULT_AUTHZ_INSTANT_H_

#include "absl/time/time.h"

namespace piivault::authz {

// First instant after `last`, the inclusive end of something.
inline absl::Time After(absl::Time last) {
  return last == absl::InfiniteFuture() ? last : last + absl::Nanoseconds(1);
}

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_INSTANT_H_
