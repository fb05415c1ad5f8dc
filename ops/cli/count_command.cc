#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

using Strings = std::vector<std::string>;

// The groups as a table under the names of the fields.
void PrintGroups(Session& session, const Strings& fields, const v1::CountRecordsResponse& count) {
  Strings heading;
  for (const std::string& field : fields) heading.push_back(absl::AsciiStrToUpper(field));
  heading.push_back("PERSONS");
  std::vector<Strings> rows;
  for (const v1::CountRecordsResponse::Group& group : count.groups()) {
    Strings row;
    for (const std::string& value : group.values()) row.push_back(EscapeForTerminal(value));
    row.push_back(absl::StrCat(group.persons()));
    rows.push_back(std::move(row));
  }
  PrintTable(heading, rows, session.out());
  if (count.other_persons() > 0) {
    session.out() << "in smaller groups: " << count.other_persons() << "\n";
  }
}

absl::StatusOr<int> Count(Session& session, v1::CountRecordsRequest& request) {
  absl::StatusOr<Connection*> vault = session.Connect();
  if (!vault.ok()) return vault.status();
  request.set_parent(session.tenant());
  grpc::ClientContext context;
  auto reader = (*vault)->vault().CountRecords(&context, request);
  v1::CountRecordsResponse message;
  while (reader->Read(&message)) {
    if (session.json()) {
      session.render().JsonLine(message);
    } else if (message.complete()) {
      PrintGroups(session, {request.group_by().begin(), request.group_by().end()}, message);
      session.render().Receipt(message);
    } else {
      session.err() << message.examined_records() << " records so far\n";
    }
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return FromGrpc(status);
  return kExitOk;
}

}  // namespace

void AddCountCommand(CLI::App& record, Session& session) {
  auto request = std::make_shared<v1::CountRecordsRequest>();
  auto fields = std::make_shared<Strings>();
  CLI::App* command =
      AddCommand(record, "count", "Counts people by one or two fields, no values", session,
                 [request, fields](Session& s) -> absl::StatusOr<int> {
                   request->mutable_group_by()->Assign(fields->begin(), fields->end());
                   return Count(s, *request);
                 });
  command->add_option("--type", *request->mutable_type(), "Type of the policy")->required();
  command->add_option("--by", *fields, "One or two fields, separated by a comma")
      ->delimiter(',')
      ->required();
  AddUsage(*command, request->mutable_usage());
}

}  // namespace piivault::ops
