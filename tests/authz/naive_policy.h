// A policy's text as plain maps and lists, read by yaml-cpp straight from the two files, with
// nothing of authz's loader or structs in between: the naive decision (naive_decision.h) is made
// from it.
//
// Guarantees: every word that the decision rests on is kept as it stands in the text, with
// parameters put in and groups and wildcards written out. Does not: check anything. What
// Policy::Load refuses may throw YAML::Exception or be read wrongly here.
#ifndef PIIVAULT_TESTS_AUTHZ_NAIVE_POLICY_H_
#define PIIVAULT_TESTS_AUTHZ_NAIVE_POLICY_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "authz/policy.h"

namespace piivault::authz::naive {

using Names = std::vector<std::string>;

bool Has(const Names& names, const std::string& name);

// One line of the table of verbs in ops/docs/policy.md.
struct Verb {
  std::string on;       // fields, types or tenant.
  std::string purpose;  // no, optional or required.
  bool shows = false;   // Values go out.
  bool uses = false;    // A use: stops, freezes and notices bind it.
  bool writes = false;  // Values come in.
  bool by_index = false;
  bool by_token = false;
  Names implies;
};
// By name; all verbs of the language.
const std::map<std::string, Verb>& Verbs();

struct Field {
  std::string type;  // "reader" of "reader.email".
  std::string semantic;
  Mask mask = Mask::kNone;
  bool index = false;
  bool tokens = true;
  bool comm_secret = false;
  bool never_read = false;
  bool retired = false;
  bool history = false;  // Earlier values are kept.
  Names channels;
};

struct MatterKind {
  std::string about = "subject";
  Names states = {"open", "closed"};
};

struct MatterNeed {
  std::string kind;
  Names states;
};

struct Purpose {
  std::string name;
  bool ticket = false;
  Names needs;
  std::vector<MatterNeed> matters;
  bool consent = false;
  bool despite_notice = false;
  Names follows;
};

struct Role {
  std::string name;
  std::string kind;
  std::string scope;
  Names employment;
  Names duties;
  std::string department;
  bool per_department = false;
  Names nda;
  bool equivalent_needs_nda = true;
  Names attested;
  Names needs;
  std::vector<MatterNeed> matters;
  std::string access = "direct";
  bool break_glass = false;  // Does nothing but while it is taken.
};

struct Grant {
  std::string id;
  std::string role;
  Names verbs;   // With those that they imply.
  Names fields;  // Full names.
  Names types;
  Names purposes;
  std::string view = "plain";
  Names when;
};

struct Consent {
  std::string id;
  Names events;
  Names fields;
  std::string when;
  std::string who;
  int under_age = 0;
  std::string scope;
};

struct Text {
  std::string id;
  absl::TimeZone zone;
  std::vector<std::string> types;
  std::map<std::string, Field> fields;  // By full name.
  std::map<std::string, Names> groups;
  std::map<std::string, MatterKind> matters;
  std::vector<Purpose> purposes;
  std::vector<Role> roles;
  std::vector<Grant> grants;
  Names forbidden_employment;
  Names channels;
  bool intake = false;
  std::string allow_plain = "never";
  bool record_channel = false;
  bool notice_required = false;
  std::map<std::string, Names> notices;  // From id to the purposes that it names.
  bool reached_day_before = false;
  bool unknown_age_allowed = false;
  std::string acknowledged_document;
  absl::Time acknowledged_by = absl::InfinitePast();  // The last instant at which none is asked.
  std::vector<Consent> consents;
  Names open_purposes;  // For what only a law keeps.

  const Purpose* FindPurpose(const std::string& name) const;
  const Role* FindRole(const std::string& name) const;
  const Consent* FindConsent(const std::string& id) const;
  Names FieldsOf(const std::string& type) const;
  // Last instant (nanosecond) of that day in the policy's zone.
  absl::Time EndOfDay(absl::CivilDay day) const;
};

Text Read(const PolicyText& text);

}  // namespace piivault::authz::naive

#endif  // PIIVAULT_TESTS_AUTHZ_NAIVE_POLICY_H_
