// Collects settings of one thing. Internal to authz: policy_settings*.cc only.
#ifndef PIIVAULT_AUTHZ_SETTINGS_WRITER_H_
#define PIIVAULT_AUTHZ_SETTINGS_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "authz/policy_settings.h"

namespace piivault::authz {

// Borrows policy and list. What is empty, false or 0 is left out: it is what the policy says of a
// thing without saying it.
class SettingsWriter {
 public:
  SettingsWriter(const Policy& policy, std::vector<Setting>* out) : policy_(policy), out_(out) {}

  // What follows is about this thing, which is there.
  void About(std::string_view kind, std::string_view name);

  void Text(std::string_view what, std::string_view value);
  void Flag(std::string_view what, bool value);
  void Number(std::string_view what, int64_t value);
  // In the order given: the order says something.
  void List(std::string_view what, const std::vector<std::string>& values);
  // Sorted, each once.
  void Set(std::string_view what, std::vector<std::string> values);
  void Fields(std::string_view what, const std::vector<FieldId>& ids);
  void Purposes(std::string_view what, const std::vector<PurposeId>& ids);
  void Matters(std::string_view what, const std::vector<MatterNeed>& needs);
  void Selection(std::string_view what, const FieldSelection& selection);

  const Policy& policy() const { return policy_; }

 private:
  const Policy& policy_;
  std::vector<Setting>* out_;
  std::string about_;
};

// policy_settings_duties.cc: sections that promise rather than decide.
void WriteSharing(SettingsWriter& out);
void WriteDuties(SettingsWriter& out);
void WriteHouse(SettingsWriter& out);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_SETTINGS_WRITER_H_
