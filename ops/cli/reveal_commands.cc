#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

using Vault = v1::VaultService::Stub;
using Strings = std::vector<std::string>;

CLI::Option* AddFields(CLI::App& command, Strings* fields) {
  return command.add_option("--fields", *fields, "Fields to reveal, separated by commas")
      ->delimiter(',');
}

std::string ViewMark(v1::View view) {
  return view == v1::VIEW_MASKED ? " (masked)" : view == v1::VIEW_TOKEN ? " (token)" : "";
}

// The values of one record, one per line, then what was refused.
void PrintRevealed(Session& session, const v1::RevealedRecord& record) {
  // Not as `name: …`: that is what many fields are called.
  session.out() << record.name() << "  " << record.type() << ", version " << record.version()
                << "\n";
  for (const auto& [name, value] : record.fields()) {
    session.out() << "  " << name << ": " << EscapeForTerminal(value.value())
                  << ViewMark(value.view()) << "\n";
  }
  for (const v1::Failure& failure : record.denied()) {
    session.err() << "denied: " << FormatField(failure, "fields") << ": " << failure.reason()
                  << "\n";
  }
}

template <typename Response>
absl::StatusOr<int> ShowRevealed(Session& session, const absl::StatusOr<Response>& response) {
  if (!response.ok()) return response.status();
  if (session.json()) {
    session.render().Json(*response);
  } else {
    PrintRevealed(session, response->record());
    session.render().Receipt(*response);
  }
  return response->record().denied().empty() ? kExitOk : kExitPartial;
}

void AddReveal(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::RevealRecordRequest>();
  auto fields = std::make_shared<Strings>();
  CLI::App* command =
      AddCommand(group, "reveal", "Shows values of a record, for a purpose", session,
                 [request, fields](Session& s) -> absl::StatusOr<int> {
                   return ShowRevealed(
                       s, Ask(s, &Connection::vault, &Vault::RevealRecord, *request,
                              Prepare<v1::RevealRecordRequest>([fields](Session& inner, auto* r) {
                                r->set_name(RecordName(inner, r->name()));
                                r->mutable_fields()->Assign(fields->begin(), fields->end());
                                return absl::OkStatus();
                              })));
                 });
  command->add_option("RECORD", *request->mutable_name(), "Record name, or ref:TYPE:REF")
      ->required();
  AddFields(*command, fields.get())->required();
  AddUsage(*command, request->mutable_usage());
  command->add_flag_callback(
      "--allow-partial", [request] { request->set_allow_partial(true); }, kAllowPartialHelp);
}

void AddLookup(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::LookupRecordRequest>();
  auto fields = std::make_shared<Strings>();
  auto value = std::make_shared<std::string>();
  CLI::App* command = AddCommand(
      group, "lookup", "Finds the one record with a value and shows fields of it", session,
      [request, fields, value](Session& s) -> absl::StatusOr<int> {
        return ShowRevealed(
            s, Ask(s, &Connection::vault, &Vault::LookupRecord, *request,
                   Prepare<v1::LookupRecordRequest>([fields, value](Session& inner, auto* r) {
                     r->set_parent(inner.tenant());
                     r->mutable_fields()->Assign(fields->begin(), fields->end());
                     absl::StatusOr<std::string> text = ReadValue(inner, *value);
                     if (text.ok()) r->set_value(*text);
                     return text.status();
                   })));
      });
  command->add_option("--type", *request->mutable_type(), "Type of the policy")->required();
  command->add_option("FIELD", *request->mutable_field(), "Indexed field, e.g. email")->required();
  command->add_option("VALUE", *value, "What to look for; @FILE or - as for --field")->required();
  AddFields(*command, fields.get());
  AddUsage(*command, request->mutable_usage());
  command->add_flag_callback(
      "--allow-partial", [request] { request->set_allow_partial(true); }, kAllowPartialHelp);
}

// Reads a stream of messages that each hold revealed records, one JSON object or block per record.
template <typename Reader, typename Message>
absl::StatusOr<int> ReadStream(Session& session, Reader& reader, Message& message) {
  int64_t count = 0;
  while (reader.Read(&message)) {
    for (const v1::RevealedRecord& record : message.records()) {
      if (session.json()) {
        session.render().JsonLine(record);
      } else {
        if (count > 0) session.out() << "\n";
        PrintRevealed(session, record);
      }
      ++count;
    }
    session.render().Receipt(message);
  }
  const grpc::Status status = reader.Finish();
  if (!status.ok()) return FromGrpc(status);
  session.err() << count << " records\n";
  return kExitOk;
}

void AddStream(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::StreamRevealRecordsRequest>();
  auto fields = std::make_shared<Strings>();
  CLI::App* command =
      AddCommand(group, "stream", "Shows fields of all records of a type that may be used", session,
                 [request, fields](Session& s) -> absl::StatusOr<int> {
                   absl::StatusOr<Connection*> vault = s.Connect();
                   if (!vault.ok()) return vault.status();
                   request->set_parent(s.tenant());
                   request->mutable_fields()->Assign(fields->begin(), fields->end());
                   grpc::ClientContext context;
                   auto reader = (*vault)->vault().StreamRevealRecords(&context, *request);
                   v1::StreamRevealRecordsResponse message;
                   return ReadStream(s, *reader, message);
                 });
  command->add_option("--type", *request->mutable_selector()->mutable_type(), "Type of the policy")
      ->required();
  AddFields(*command, fields.get())->required();
  AddUsage(*command, request->mutable_usage());
}

void AddDownload(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::DownloadRecordsRequest>();
  CLI::App* command =
      AddCommand(group, "download", "Shows a tenant's own records of a type, all that it may read",
                 session, [request](Session& s) -> absl::StatusOr<int> {
                   absl::StatusOr<Connection*> vault = s.Connect();
                   if (!vault.ok()) return vault.status();
                   request->set_parent(s.tenant());
                   grpc::ClientContext context;
                   auto reader = (*vault)->vault().DownloadRecords(&context, *request);
                   v1::DownloadRecordsResponse message;
                   return ReadStream(s, *reader, message);
                 });
  command->add_option("--type", *request->mutable_type(), "Type of the policy")->required();
  AddUsage(*command, request->mutable_usage());
}

// One line for each earlier value, under the record's, oldest first.
void PrintHistory(Session& session, const v1::RevealRecordHistoryResponse& history) {
  session.out() << history.name() << "  " << history.type() << ", version " << history.version()
                << "\n";
  std::vector<std::vector<std::string>> rows;
  for (const v1::EarlierValue& earlier : history.values()) {
    const std::string first =
        earlier.first_version() == 0 ? "?" : absl::StrCat(earlier.first_version());
    rows.push_back({earlier.field(),
                    EscapeForTerminal(earlier.value().value()) + ViewMark(earlier.value().view()),
                    absl::StrCat(first, "-", earlier.last_version()),
                    FormatField(earlier, "set_time"), FormatField(earlier, "replace_time"),
                    earlier.replaced_by()});
  }
  if (!rows.empty()) {
    PrintTable({"FIELD", "VALUE", "VERSIONS", "SET", "REPLACED", "BY"}, rows, session.out());
  }
  for (const v1::Failure& failure : history.denied()) {
    session.err() << "denied: " << FormatField(failure, "fields") << ": " << failure.reason()
                  << "\n";
  }
}

void AddHistory(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::RevealRecordHistoryRequest>();
  auto fields = std::make_shared<Strings>();
  CLI::App* command =
      AddCommand(group, "history", "Shows what fields of a record held before, for a purpose",
                 session, [request, fields](Session& s) -> absl::StatusOr<int> {
                   const absl::StatusOr<v1::RevealRecordHistoryResponse> response = Ask(
                       s, &Connection::vault, &Vault::RevealRecordHistory, *request,
                       Prepare<v1::RevealRecordHistoryRequest>([fields](Session& inner, auto* r) {
                         r->set_name(RecordName(inner, r->name()));
                         r->mutable_fields()->Assign(fields->begin(), fields->end());
                         return absl::OkStatus();
                       }));
                   if (!response.ok()) return response.status();
                   if (s.json()) {
                     s.render().Json(*response);
                   } else {
                     PrintHistory(s, *response);
                     s.render().Receipt(*response);
                   }
                   return response->denied().empty() ? kExitOk : kExitPartial;
                 });
  command->add_option("RECORD", *request->mutable_name(), "Record name, or ref:TYPE:REF")
      ->required();
  command->add_option("--field,--fields", *fields, "Fields, separated by commas or one at a time")
      ->delimiter(',')
      ->required();
  AddUsage(*command, request->mutable_usage());
  command->add_flag_callback(
      "--allow-partial", [request] { request->set_allow_partial(true); }, kAllowPartialHelp);
}

}  // namespace

void AddRevealCommands(CLI::App& record, Session& session) {
  AddReveal(record, session);
  AddHistory(record, session);
  AddLookup(record, session);
  AddStream(record, session);
  AddDownload(record, session);
}

}  // namespace piivault::ops
