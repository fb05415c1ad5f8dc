#ifndef PIIVAULT_OPS_CLI_PROVISION_RECORD_H_
#define PIIVAULT_OPS_CLI_PROVISION_RECORD_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "piivault/v1/sharing_service.pb.h"

namespace piivault::ops {

// The record of provision to third parties, one row for each person of a disclosure: when, to whom
// (name, address, representative), about whom, which items, on what basis and consent, and where it
// is in the ledger. About whom, the vault's reference says (`person`), which points nowhere after
// an erasure. No values.
//
// Thread-compatible.
class ProvisionRecord {
 public:
  enum class Format { kCsv, kJson };
  using Write = std::function<absl::Status(const std::string&)>;

  ProvisionRecord(Format format, Write write) : format_(format), write_(std::move(write)) {}

  // The heading, in CSV.
  [[nodiscard]] absl::Status Begin();
  // Of one disclosure, in the order of the ledger: those of one person one after the other.
  [[nodiscard]] absl::Status Add(const v1::Disclosure& disclosure,
                                 const v1::DisclosedRecord& record);
  // Behind the last record of each disclosure.
  [[nodiscard]] absl::Status EndDisclosure();

  int64_t people() const { return people_; }

 private:
  struct Person {
    std::string ref;
    std::string date;
    std::vector<std::string> items;
    std::vector<std::string> consents;
  };

  const Format format_;
  const Write write_;
  v1::Disclosure disclosure_;
  Person person_;  // of whom no row is written yet; without a ref where there is none
  int64_t people_ = 0;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_PROVISION_RECORD_H_
