#ifndef PIIVAULT_VAULT_SERVICE_SUBJECT_FACTS_H_
#define PIIVAULT_VAULT_SERVICE_SUBJECT_FACTS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "authz/decision.h"
#include "vault/records/record_loader.h"
#include "vault/records/subject_rows.h"

namespace piivault::vault {

// What a decision has to know of a person and a record, out of their rows.
//
// Guarantees: where nobody has said anything of the person, nothing is allocated but the name.
// Ownership: borrows the rows, which must outlive it and stay as they are; facts() and the
// decisions that point into them live as long as it does. Neither copied nor moved.
// Thread-compatible.
class PersonFacts {
 public:
  // Of a person that the call itself makes.
  PersonFacts();
  // `tenant` is the bare id.
  PersonFacts(std::string_view tenant, const SubjectState& subject);
  // `now`: when the decision is made, for what is kept no longer.
  PersonFacts(std::string_view tenant, const LoadedRecord& record, const authz::Policy& policy,
              absl::Time now);
  ~PersonFacts();
  PersonFacts(const PersonFacts&) = delete;
  PersonFacts& operator=(const PersonFacts&) = delete;

  const authz::SubjectFacts& facts() const { return facts_; }
  // Of a record that the call itself makes.
  void set_controller(std::string_view controller) { facts_.controller = controller; }

  // Of a person that the call itself made: a repetition of it is decided as it was.
  void set_made_by_call() { facts_.subject = {}; }

  // What entries call the person; empty for a new one and a tombstone.
  std::string_view subject_ref() const { return subject_ref_; }
  // Id that the vault gave the consent `fact`, one of facts(); empty for null.
  std::string_view ConsentIdOf(const authz::ConsentFact* fact) const;

 private:
  struct Lists;

  void Fill(std::string_view tenant, const storage::v1::SubjectUse& use);
  // Which fields of the record are closed.
  void Close(const LoadedRecord& record, const authz::Policy& policy, absl::Time now);

  authz::SubjectFacts facts_;
  std::string name_;
  std::string_view subject_ref_;
  const storage::v1::SubjectUse* use_ = nullptr;
  std::unique_ptr<Lists> lists_;  // what facts_ refers to; null where the row has no lists
  std::vector<std::string_view> kept_by_law_;
  std::vector<std::string_view> expired_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SUBJECT_FACTS_H_
