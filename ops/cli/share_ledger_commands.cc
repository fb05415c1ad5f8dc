// `piivault share disclosures` and `share notices`: what went to whom, and who has to put it right.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/provision_record.h"
#include "ops/cli/share_tools.h"

namespace piivault::ops {
namespace {

using Sharing = v1::SharingService::Stub;
using Strings = std::vector<std::string>;

struct DisclosureFlags {
  v1::ListDisclosuresRequest request;
  std::string disclosure;
  int64_t limit = kDefaultLimit;
  bool provision_record = false;
  std::string out;
};

absl::StatusOr<v1::ListDisclosuresResponse> ListAll(Session& session,
                                                    const DisclosureFlags& flags) {
  return ReadPages<v1::ListDisclosuresResponse>(
      flags.request, flags.limit, "disclosures", [&](const v1::ListDisclosuresRequest& page) {
        return Ask(session, &Connection::sharing, &Sharing::ListDisclosures, page,
                   Prepare<v1::ListDisclosuresRequest>([](Session& s, auto* r) {
                     r->set_parent(s.tenant());
                     if (!r->subject().empty()) r->set_subject(SubjectName(s, r->subject()));
                     if (!r->recipient().empty())
                       r->set_recipient(RecipientName(s, r->recipient()));
                     return absl::OkStatus();
                   }));
      });
}

// All people of one disclosure.
absl::Status AddStreamed(Session& session, const std::string& disclosure, const v1::Usage& usage,
                         ProvisionRecord* record) {
  absl::StatusOr<Connection*> vault = session.Connect();
  if (!vault.ok()) return vault.status();
  v1::StreamDisclosedRecordsRequest request;
  request.set_disclosure(disclosure);
  *request.mutable_usage() = usage;
  grpc::ClientContext context;
  auto reader = (*vault)->sharing().StreamDisclosedRecords(&context, request);
  v1::StreamDisclosedRecordsResponse message;
  v1::Disclosure about;
  absl::Status status;
  while (status.ok() && reader->Read(&message)) {
    if (message.has_disclosure()) about = message.disclosure();
    for (const v1::DisclosedRecord& one : message.records()) {
      if (status.ok()) status = record->Add(about, one);
    }
    if (session.err_is_terminal()) {
      session.err() << "\r" << record->people() << " people" << std::flush;
    }
  }
  if (!status.ok()) context.TryCancel();
  const grpc::Status ended = reader->Finish();
  if (!status.ok()) return status;
  return ended.ok() ? record->EndDisclosure() : FromGrpc(ended);
}

// One person's records are in the list already.
absl::Status AddListed(const v1::Disclosure& disclosure, ProvisionRecord* record) {
  for (const v1::DisclosedRecord& one : disclosure.records()) {
    if (absl::Status status = record->Add(disclosure, one); !status.ok()) return status;
  }
  return record->EndDisclosure();
}

absl::Status AddRows(Session& session, const DisclosureFlags& flags, ProvisionRecord* record) {
  if (!flags.disclosure.empty()) {
    return AddStreamed(session, flags.disclosure, flags.request.usage(), record);
  }
  const absl::StatusOr<v1::ListDisclosuresResponse> all = ListAll(session, flags);
  if (!all.ok()) return all.status();
  // A record that leaves some out would be none.
  if (!all->next_page_token().empty()) {
    return absl::OutOfRangeError("there are more disclosures than --limit; give a larger one");
  }
  for (const v1::Disclosure& disclosure : all->disclosures()) {
    absl::Status status =
        flags.request.subject().empty()
            ? AddStreamed(session, disclosure.name(), flags.request.usage(), record)
            : AddListed(disclosure, record);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<int> WriteProvisionRecord(Session& session, const DisclosureFlags& flags) {
  absl::StatusOr<Output> output = Output::Open(session, flags.out);
  if (!output.ok()) return output.status();
  ProvisionRecord record(
      session.json() ? ProvisionRecord::Format::kJson : ProvisionRecord::Format::kCsv,
      [&output](const std::string& row) { return output->Write(row); });
  absl::Status status = record.Begin();
  if (status.ok()) status = AddRows(session, flags, &record);
  if (session.err_is_terminal()) session.err() << "\n";
  if (status.ok()) status = output->Finish();
  if (!status.ok()) return status;
  session.err() << record.people() << " rows\n";
  return kExitOk;
}

absl::StatusOr<int> ShowDisclosures(Session& session, const DisclosureFlags& flags) {
  if (flags.provision_record) return WriteProvisionRecord(session, flags);
  const absl::StatusOr<v1::ListDisclosuresResponse> all = ListAll(session, flags);
  if (!all.ok()) return all.status();
  session.render().List(*all, "disclosures",
                        {{"NAME", "name"},
                         {"RECIPIENT", "recipient"},
                         {"RULE", "rule"},
                         {"BASIS", "basis"},
                         {"PURPOSE", "purpose"},
                         {"FIELDS", "fields"},
                         {"BEGAN", "start_time"},
                         {"COMPLETE", "end_time"},
                         {"PEOPLE", "subjects"}});
  return kExitOk;
}

void AddDisclosures(CLI::App& group, Session& session) {
  auto flags = std::make_shared<DisclosureFlags>();
  CLI::App* command =
      AddCommand(group, "disclosures", "Lists what was given, about a person or to a recipient",
                 session, [flags](Session& s) { return ShowDisclosures(s, *flags); });
  CLI::App* which = AddOneOrMore(*command, "Disclosures");
  CLI::Option* subject = which->add_option("--subject", *flags->request.mutable_subject(),
                                           "About this person; also from the bare id");
  CLI::Option* recipient =
      which->add_option("--recipient", *flags->request.mutable_recipient(), "To this recipient");
  CLI::Option* record =
      command->add_flag("--provision-record", flags->provision_record,
                        "Write the record that the law asks for, a row for each person");
  which->add_option("--disclosure", flags->disclosure, "The record of this one alone")
      ->needs(record)
      ->excludes(subject)
      ->excludes(recipient);
  command
      ->add_option("--out", flags->out,
                   "New file for the record, readable by you alone; there once complete")
      ->needs(record)
      ->type_name("FILE");
  AddLimit(*command, &flags->limit);
  AddUsage(*command, flags->request.mutable_usage());
  command->footer(
      "For privacy officers and auditors of the vault, and whom the policy gives "
      "read_disclosures.\n"
      "The record is CSV, or JSON lines with --output json; `person` is what the log calls a "
      "person,\n"
      "and points nowhere after an erasure. --output json shows also what of a person was given.\n"
      "  piivault share disclosures --recipient yamato --provision-record --out provision.csv");
}

struct NoticeFlags {
  v1::ListCorrectionNoticesRequest request;
  int64_t limit = kDefaultLimit;
  Strings acknowledged;
  bool acknowledge_all = false;
};

absl::StatusOr<v1::ListCorrectionNoticesResponse> ListNotices(Session& session,
                                                              const NoticeFlags& flags) {
  return ReadPages<v1::ListCorrectionNoticesResponse>(
      flags.request, flags.limit, "notices", [&](const v1::ListCorrectionNoticesRequest& page) {
        return Ask(session, &Connection::sharing, &Sharing::ListCorrectionNotices, page,
                   Prepare<v1::ListCorrectionNoticesRequest>([](Session& s, auto* r) {
                     r->set_parent(s.tenant());
                     if (!r->subject().empty()) r->set_subject(SubjectName(s, r->subject()));
                     if (!r->recipient().empty())
                       r->set_recipient(RecipientName(s, r->recipient()));
                     return absl::OkStatus();
                   }));
      });
}

void PrintNotices(Session& session, const google::protobuf::Message& notices) {
  session.render().List(notices, "notices",
                        {{"NAME", "name"},
                         {"RECIPIENT", "recipient"},
                         {"PERSON", "handle"},
                         {"FIELDS", "fields"},
                         {"WHAT", "kind"},
                         {"MADE", "create_time"},
                         {"DUE", "due_time"},
                         {"OFFERS", "export_token"},
                         {"ACKNOWLEDGED", "acknowledge_time"}});
}

// Closes the notices, as many at a time as a call takes, and shows them.
absl::StatusOr<int> Acknowledge(Session& session, const Strings& names) {
  constexpr size_t kMost = 1000;
  v1::AcknowledgeCorrectionNoticesResponse all;
  for (size_t i = 0; i < names.size(); i += kMost) {
    v1::AcknowledgeCorrectionNoticesRequest request;
    for (size_t j = i; j < std::min(names.size(), i + kMost); ++j) request.add_names(names[j]);
    auto response =
        Ask(session, &Connection::sharing, &Sharing::AcknowledgeCorrectionNotices, request);
    if (!response.ok()) {
      if (i > 0) session.err() << i << " notices are acknowledged\n";
      return response.status();
    }
    all.MergeFrom(*response);
  }
  PrintNotices(session, all);
  return kExitOk;
}

absl::StatusOr<int> Notices(Session& session, const NoticeFlags& flags) {
  absl::StatusOr<Connection*> vault = session.Connect();
  if (!vault.ok()) return vault.status();
  if (!flags.acknowledged.empty()) {
    Strings names;
    for (const std::string& name : flags.acknowledged) {
      names.push_back(CorrectionNoticeName(session, name));
    }
    return Acknowledge(session, names);
  }
  const absl::StatusOr<v1::ListCorrectionNoticesResponse> open = ListNotices(session, flags);
  if (!open.ok()) return open.status();
  if (!flags.acknowledge_all) {
    PrintNotices(session, *open);
    return kExitOk;
  }
  Strings names;
  for (const v1::CorrectionNotice& notice : open->notices()) names.push_back(notice.name());
  if (!open->next_page_token().empty()) {
    session.err() << "there is more; the same command goes on\n";
  }
  return Acknowledge(session, names);
}

void AddNotices(CLI::App& group, Session& session) {
  auto flags = std::make_shared<NoticeFlags>();
  CLI::App* command = AddCommand(
      group, "notices", "Lists notices of corrections, or acknowledges them as their recipient",
      session, [flags](Session& s) { return Notices(s, *flags); });
  v1::ListCorrectionNoticesRequest* request = &flags->request;
  command->add_option("--recipient", *request->mutable_recipient(),
                      "To this recipient (all; a recipient's own)");
  command
      ->add_option("--subject", *request->mutable_subject(),
                   "About this person only, whom recipients do not name")
      ->type_name("NAME");
  command->add_flag_callback(
      "--overdue", [request] { request->set_overdue(true); },
      "Only those that should have been acknowledged by now");
  CLI::Option* show = command->add_flag_callback(
      "--all", [request] { request->set_show_acknowledged(true); },
      "Those that were acknowledged, too");
  CLI::Option* some = command->add_option("--ack", flags->acknowledged,
                                          "Acknowledge these: the copy has been put right");
  some->type_name("NAME")->excludes(show);
  command
      ->add_flag("--ack-all", flags->acknowledge_all,
                 "Acknowledge all that are open (with --overdue, those)")
      ->excludes(some)
      ->excludes(show);
  AddLimit(*command, &flags->limit);
  AddUsage(*command, request->mutable_usage());
  command->footer(
      "A notice says which fields of whom (by the recipient's own handle) are no longer right; "
      "the\n"
      "new values come with a new token. OFFERS names the last one that was issued for the "
      "notice;\n"
      "--output json gives its recipient also the token itself, while it can be redeemed.");
}

}  // namespace

void AddShareLedgerCommands(CLI::App& share, Session& session) {
  AddDisclosures(share, session);
  AddNotices(share, session);
}

}  // namespace piivault::ops
