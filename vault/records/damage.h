#ifndef PIIVAULT_VAULT_RECORDS_DAMAGE_H_
#define PIIVAULT_VAULT_RECORDS_DAMAGE_H_

#include <functional>
#include <string>

#include "storage/keys.h"

namespace piivault::vault {

// Told of each row that work passes over because it does not open or leads nowhere, so that
// somebody hears of it. Called on the thread that works; must be quick. May be empty.
using DamageReport = std::function<void(const storage::Key& row)>;

// How a log may call a row: `wrap of subjects/{s}/records/{r}`, as names have these ids; of a row
// without such ids the SHA-256 of its key. No token and no HMAC of a value is in it.
std::string RowName(const storage::Key& row);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_DAMAGE_H_
