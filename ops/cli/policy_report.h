// What the tools around policies print: differences and cells, for people and for programs.
#ifndef PIIVAULT_OPS_CLI_POLICY_REPORT_H_
#define PIIVAULT_OPS_CLI_POLICY_REPORT_H_

#include <ostream>
#include <string>

#include "authz/explain.h"
#include "authz/policy_diff.h"
#include "ops/cli/json_writer.h"

namespace piivault::ops {

// Grouped by role; what is alike but for the object stands on one line. Says so where there is no
// difference. Escaped for terminals.
void PrintDiff(const authz::PolicyDiff& diff, std::ostream& out);
// {granted, revoked, changed, settings: […], cells: […]}
void WriteDiff(const authz::PolicyDiff& diff, JsonWriter* json);

// All cells, grouped the same way.
void PrintCells(const authz::Policy& policy, std::ostream& out);
// [{role, verb, object, purpose, needs, ways: [{grant, clause, view, when}]}]
void WriteCells(const authz::Policy& policy, JsonWriter* json);

// {verdict, reason, …, roles: […]}
void WriteExplanation(const authz::Policy& policy, const authz::Explanation& explanation,
                      JsonWriter* json);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_POLICY_REPORT_H_
