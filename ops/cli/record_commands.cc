#include <memory>
#include <string>
#include <vector>

#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

using Vault = v1::VaultService::Stub;
using Strings = std::vector<std::string>;

constexpr char kFieldHelp[] =
    "NAME=VALUE, NAME=@FILE, or NAME=- for standard input; may be given several times";

const std::vector<Column>& RecordColumns() {
  static const auto& columns = *new std::vector<Column>{{"NAME", "name"},
                                                        {"TYPE", "type"},
                                                        {"VERSION", "version"},
                                                        {"FIELDS", "fields"},
                                                        {"FLAGGED", "flagged_fields"},
                                                        {"UPDATED", "update_time"},
                                                        {"CHANNEL", "provenance.channel"}};
  return columns;
}

CLI::Option* AddRecordName(CLI::App& command, std::string* name) {
  return command.add_option("RECORD", *name, "Record name, or ref:TYPE:REF")->required();
}

// Completes `ref:TYPE:REF` by the session's tenant.
template <typename Request>
Prepare<Request> CompleteName() {
  return [](Session& session, Request* request) {
    request->set_name(RecordName(session, request->name()));
    return absl::OkStatus();
  };
}

template <typename Request>
Prepare<Request> CompleteParent() {
  return [](Session& session, Request* request) {
    request->set_parent(session.tenant());
    return absl::OkStatus();
  };
}

// What `create` and `upsert` have in common.
template <typename Request>
Prepare<Request> CompleteNewRecord(std::shared_ptr<Strings> fields) {
  return [fields](Session& session, Request* request) -> absl::Status {
    request->set_parent(session.tenant());
    v1::NewRecord* record = request->mutable_record();
    if (!record->subject().empty()) record->set_subject(SubjectName(session, record->subject()));
    absl::StatusOr<std::string> born = ReadValue(session, record->birth_date());
    if (!born.ok()) return born.status();
    record->set_birth_date(*std::move(born));
    return ReadFields(session, *fields, record->mutable_fields());
  };
}

template <typename Request>
void AddNewRecordArguments(CLI::App& command, const Session& session, Request* request,
                           Strings* fields) {
  v1::NewRecord* record = request->mutable_record();
  command.add_option("--type", *record->mutable_type(), "Type of the policy")->required();
  command.add_option("--subject", *record->mutable_subject(), "Add to this person (a new one)");
  command.add_option("--ref", *record->mutable_ref(), "Your own key, unique per tenant and type");
  command.add_option("--field", *fields, kFieldHelp)->required();
  command.add_option("--birth-date", *record->mutable_birth_date(),
                     "Birthday of the person, YYYY-MM-DD, where no field holds it; @FILE or - as "
                     "for --field");
  command.add_option("--controller", *record->mutable_controller(),
                     "Who entrusted the data, where it is not the tenant's own");
  AddProvenance(command, session, record->mutable_provenance());
  AddUsage(command, request->mutable_usage());
  AddRequestId(command, request->mutable_request_id());
}

void AddWriting(CLI::App& group, Session& session) {
  auto create = std::make_shared<v1::CreateRecordRequest>();
  auto create_fields = std::make_shared<Strings>();
  CLI::App* command =
      AddCommand(group, "create", "Stores a record and shows its tokens", session,
                 AskAndShow(create, &Connection::vault, &Vault::CreateRecord,
                            CompleteNewRecord<v1::CreateRecordRequest>(create_fields)));
  AddNewRecordArguments(*command, session, create.get(), create_fields.get());

  auto upsert = std::make_shared<v1::UpsertRecordRequest>();
  auto upsert_fields = std::make_shared<Strings>();
  command =
      AddCommand(group, "upsert", "Replaces the record with this --ref, or stores it", session,
                 AskAndShow(upsert, &Connection::vault, &Vault::UpsertRecord,
                            CompleteNewRecord<v1::UpsertRecordRequest>(upsert_fields)));
  AddNewRecordArguments(*command, session, upsert.get(), upsert_fields.get());

  auto update = std::make_shared<v1::UpdateRecordRequest>();
  auto update_fields = std::make_shared<Strings>();
  auto clear = std::make_shared<Strings>();
  command = AddCommand(
      group, "update", "Changes or clears fields", session,
      AskAndShow(update, &Connection::vault, &Vault::UpdateRecord,
                 Prepare<v1::UpdateRecordRequest>([update_fields, clear](Session& s, auto* r) {
                   r->set_name(RecordName(s, r->name()));
                   r->mutable_clear_fields()->Assign(clear->begin(), clear->end());
                   return ReadFields(s, *update_fields, r->mutable_fields());
                 })));
  AddRecordName(*command, update->mutable_name());
  command->add_option("--field", *update_fields, kFieldHelp);
  command->add_option("--clear", *clear, "Field to clear; its token dies");
  command->add_option("--etag", *update->mutable_etag(), "Only if it is still the record's");
  AddUsage(*command, update->mutable_usage());
  AddRequestId(*command, update->mutable_request_id());

  auto remove = std::make_shared<v1::DeleteRecordRequest>();
  command = AddCommand(group, "delete", "Deletes a record with its tokens, for good", session,
                       AskAndShow(remove, &Connection::vault, &Vault::DeleteRecord,
                                  CompleteName<v1::DeleteRecordRequest>()));
  AddRecordName(*command, remove->mutable_name());
  command->add_option("--etag", *remove->mutable_etag(), "Only if it is still the record's");
  AddUsage(*command, remove->mutable_usage());
  AddRequestId(*command, remove->mutable_request_id());
}

void AddMetadata(CLI::App& group, Session& session) {
  auto get = std::make_shared<v1::GetRecordRequest>();
  CLI::App* command = AddCommand(
      group, "get", "Shows a record's metadata, no values", session,
      AskAndShow(get, &Connection::vault, &Vault::GetRecord, CompleteName<v1::GetRecordRequest>()));
  AddRecordName(*command, get->mutable_name());

  auto list = std::make_shared<v1::ListRecordsRequest>();
  auto list_limit = std::make_shared<int64_t>(100);
  command =
      AddCommand(group, "list", "Lists records of a type, no values", session,
                 AskAndList(list, list_limit, &Connection::vault, &Vault::ListRecords, "records",
                            RecordColumns(), CompleteParent<v1::ListRecordsRequest>()));
  command->add_option("--type", *list->mutable_type(), "Type of the policy")->required();
  AddLimit(*command, list_limit.get());

  auto search = std::make_shared<v1::SearchRecordsRequest>();
  auto value = std::make_shared<std::string>();
  auto search_limit = std::make_shared<int64_t>(100);
  command = AddCommand(group, "search", "Finds records by an indexed field; no values", session,
                       [search, value, search_limit](Session& s) -> absl::StatusOr<int> {
                         // Standard input can be read once only, pages are many.
                         absl::StatusOr<std::string> text = ReadValue(s, *value);
                         if (!text.ok()) return text.status();
                         search->set_value(*text);
                         return AskAndList(search, search_limit, &Connection::vault,
                                           &Vault::SearchRecords, "records", RecordColumns(),
                                           CompleteParent<v1::SearchRecordsRequest>())(s);
                       });
  command->add_option("--type", *search->mutable_type(), "Type of the policy")->required();
  command->add_option("FIELD", *search->mutable_field(), "Indexed field, e.g. email")->required();
  command->add_option("VALUE", *value, "What to look for; @FILE or - as for --field")->required();
  AddUsage(*command, search->mutable_usage());
  AddLimit(*command, search_limit.get());
}

// What the law keeps is shown by record, with its end. Then the person is not erased yet.
absl::StatusOr<int> DeleteSubject(Session& session, const v1::DeleteSubjectRequest& request) {
  auto response = Ask(session, &Connection::vault, &Vault::DeleteSubject, request,
                      Prepare<v1::DeleteSubjectRequest>([](Session& s, auto* r) {
                        r->set_name(SubjectName(s, r->name()));
                        return absl::OkStatus();
                      }));
  if (!response.ok()) return response.status();
  if (session.json() || response->held().empty()) {
    session.render().Show(*response);
    return response->held().empty() ? kExitOk : kExitPartial;
  }
  session.out() << "records: " << response->records() << ", all erased but what the law keeps:\n";
  std::vector<Strings> rows;
  for (const v1::HeldFields& held : response->held()) {
    rows.push_back({FormatField(held, "record"), FormatField(held, "fields"),
                    FormatField(held, "law"),
                    held.has_until() ? FormatField(held, "until") : "not begun"});
  }
  PrintTable({"RECORD", "FIELDS", "LAW", "HELD UNTIL"}, rows, session.out());
  session.render().Receipt(*response);
  return kExitPartial;
}

}  // namespace

void AddRecordCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "record", "Records: store, find, reveal, delete");
  AddWriting(*group, session);
  AddMetadata(*group, session);
  AddRevealCommands(*group, session);
  AddCountCommand(*group, session);
}

void AddSubjectCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "subject", "People whose data is kept");
  auto get = std::make_shared<v1::GetSubjectRequest>();
  CLI::App* command =
      AddCommand(*group, "get", "Shows which records a person has", session,
                 [get](Session& s) -> absl::StatusOr<int> {
                   auto response = Ask(s, &Connection::vault, &Vault::GetSubject, *get,
                                       Prepare<v1::GetSubjectRequest>([](Session& inner, auto* r) {
                                         r->set_name(SubjectName(inner, r->name()));
                                         return absl::OkStatus();
                                       }));
                   if (!response.ok()) return response.status();
                   s.render().List(*response, "records", RecordColumns());
                   return kExitOk;
                 });
  command->add_option("SUBJECT", *get->mutable_name(), "Person")->required();

  auto remove = std::make_shared<v1::DeleteSubjectRequest>();
  command = AddCommand(*group, "delete", "Erases a person: final", session,
                       [remove](Session& s) { return DeleteSubject(s, *remove); });
  command->add_option("SUBJECT", *remove->mutable_name(), "Person")->required();
  AddUsage(*command, remove->mutable_usage());
  AddRequestId(*command, remove->mutable_request_id());
  command->add_flag_callback(
      "--keep-held", [remove] { remove->set_keep_held(true); },
      "Where the law keeps some of it: erases all else, and closes that until its time is over");
  command->footer(
      "Ends with 3 where the law keeps some of it: the person is erased with the last of that.\n"
      "Example: piivault subject delete SUBJECT --keep-held --for rights\n");
  AddSubjectUpdateCommand(*group, session);
  AddPeoplesWillCommands(*group, session);
  AddRequestCommands(*group, session);
}

}  // namespace piivault::ops
