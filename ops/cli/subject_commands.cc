// What people have said: `subject consent record|withdraw|list`, `subject stop|resume|unsubscribe`.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/digest.h"

namespace piivault::ops {
namespace {

using Subjects = v1::SubjectService::Stub;
using Strings = std::vector<std::string>;

// Completes the person's name by the session's tenant.
template <typename Request>
Prepare<Request> CompleteSubject() {
  return [](Session& session, Request* request) {
    request->set_subject(SubjectName(session, request->subject()));
    return absl::OkStatus();
  };
}

template <typename Request>
void AddSubject(CLI::App& command, Request* request) {
  command.add_option("SUBJECT", *request->mutable_subject(), "Person")->required();
}

void AddConsentRecord(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::RecordConsentRequest>();
  auto fields = std::make_shared<Strings>();
  auto relation = std::make_shared<std::string>();
  auto document = std::make_shared<std::string>();
  CLI::App* command = AddCommand(
      group, "record", "Records that a person said yes; without SUBJECT, a new person", session,
      AskAndShow(request, &Connection::subject, &Subjects::RecordConsent,
                 Prepare<v1::RecordConsentRequest>([=](Session& s, auto* r) {
                   r->set_parent(s.tenant());
                   if (!r->subject().empty()) r->set_subject(SubjectName(s, r->subject()));
                   v1::Consent& consent = *r->mutable_consent();
                   consent.mutable_fields()->Assign(fields->begin(), fields->end());
                   if (!consent.recipient().empty()) {
                     consent.set_recipient(RecipientName(s, consent.recipient()));
                   }
                   if (document->empty()) return absl::OkStatus();
                   absl::StatusOr<std::string> digest = FileSha256(*document);
                   if (!digest.ok()) return digest.status();
                   consent.mutable_guardian()->set_relation(*relation);
                   consent.mutable_guardian()->set_document_sha256(*digest);
                   return absl::OkStatus();
                 })));
  v1::Consent* consent = request->mutable_consent();
  command->add_option("SUBJECT", *request->mutable_subject(), "Person");
  command->add_option("--consent", *consent->mutable_consent(), "What for, an id of the policy")
      ->required();
  command->add_option("--wording", *consent->mutable_wording(), "Version of the text that was seen")
      ->required();
  command->add_option("--about", *consent->mutable_purpose(), "Purpose that it is about")
      ->type_name("PURPOSE");
  command->add_option("--fields", *fields, "Fields that it covers, e.g. ext.id,dev.* (all)")
      ->delimiter(',');
  command->add_option("--recipient", *consent->mutable_recipient(),
                      "To whom the data may be given, its id or name");
  command->add_option("--channel", *consent->mutable_channel(), "By which it was given");
  command->add_option("--basis", *consent->mutable_basis(), "Legal basis");
  CLI::Option* guardian = command->add_option("--guardian", *relation,
                                              "Who said it in the person's stead, e.g. mother");
  CLI::Option* file = command->add_option("--guardian-document", *document,
                                          "File that proves it; only its SHA-256 is sent");
  guardian->needs(file);
  file->needs(guardian);
  AddUsage(*command, request->mutable_usage());
  AddRequestId(*command, request->mutable_request_id());
}

void AddConsentCommands(CLI::App& subject, Session& session) {
  CLI::App* group = AddGroup(subject, "consent", "What a person has said yes to");
  AddConsentRecord(*group, session);

  auto withdraw = std::make_shared<v1::WithdrawConsentRequest>();
  CLI::App* command = AddCommand(
      *group, "withdraw", "Records that a person took it back, with effect at once", session,
      AskAndShow(withdraw, &Connection::subject, &Subjects::WithdrawConsent,
                 CompleteSubject<v1::WithdrawConsentRequest>()));
  AddSubject(*command, withdraw.get());
  CLI::Option* id = command->add_option("--id", *withdraw->mutable_id(), "This one");
  CLI::Option* kind = command->add_option("--consent", *withdraw->mutable_consent(),
                                          "All of this kind, an id of the policy");
  id->excludes(kind);
  command->add_option("--about", *withdraw->mutable_purpose(), "Only those about this purpose")
      ->type_name("PURPOSE")
      ->needs(kind);
  AddUsage(*command, withdraw->mutable_usage());

  auto list = std::make_shared<v1::ListConsentsRequest>();
  command = AddCommand(*group, "list",
                       "Lists them, oldest first; --output json has the stops of use as well",
                       session, [list](Session& s) -> absl::StatusOr<int> {
                         auto response = Ask(s, &Connection::subject, &Subjects::ListConsents,
                                             *list, CompleteSubject<v1::ListConsentsRequest>());
                         if (!response.ok()) return response.status();
                         s.render().List(*response, "consents",
                                         {{"ID", "id"},
                                          {"CONSENT", "consent"},
                                          {"ABOUT", "purpose"},
                                          {"FIELDS", "fields"},
                                          {"WORDING", "wording"},
                                          {"GUARDIAN", "guardian.relation"},
                                          {"GIVEN", "give_time"},
                                          {"WITHDRAWN", "withdraw_time"}});
                         return kExitOk;
                       });
  AddSubject(*command, list.get());
  AddUsage(*command, list->mutable_usage());
}

template <typename Request>
void AddStopArguments(CLI::App& command, Request* request) {
  AddSubject(command, request);
  command.add_option("--fields", *request->mutable_stop()->mutable_fields(),
                     "type.field or type.* (everything)");
  command.add_option("--about", *request->mutable_stop()->mutable_purpose(), "Purpose (every one)")
      ->type_name("PURPOSE");
  AddUsage(command, request->mutable_usage());
}

void AddStops(CLI::App& subject, Session& session) {
  auto stop = std::make_shared<v1::StopUseRequest>();
  CLI::App* command =
      AddCommand(subject, "stop", "Stops the use of a person's data at once", session,
                 AskAndShow(stop, &Connection::subject, &Subjects::StopUse,
                            CompleteSubject<v1::StopUseRequest>()));
  AddStopArguments(*command, stop.get());

  auto resume = std::make_shared<v1::ResumeUseRequest>();
  command = AddCommand(subject, "resume",
                       "Takes a stop back, as it was given: for the person alone", session,
                       AskAndShow(resume, &Connection::subject, &Subjects::ResumeUse,
                                  CompleteSubject<v1::ResumeUseRequest>()));
  AddStopArguments(*command, resume.get());
}

void AddUnsubscribe(CLI::App& subject, Session& session) {
  auto request = std::make_shared<v1::UnsubscribeRequest>();
  auto target = std::make_shared<std::string>();
  CLI::App* command =
      AddCommand(subject, "unsubscribe", "Stops mailing at once", session,
                 AskAndShow(request, &Connection::subject, &Subjects::Unsubscribe,
                            Prepare<v1::UnsubscribeRequest>([target](Session& s, auto* r) {
                              if (absl::StartsWith(*target, "tok_")) {
                                r->set_parent(s.tenant());
                                r->set_token(*target);
                              } else {
                                r->set_name(RecordName(s, *target));
                              }
                              return absl::OkStatus();
                            })));
  command->add_option("TARGET", *target, "Record name, ref:TYPE:REF, or token of a field")
      ->required();
  command->add_flag_callback(
      "--again", [request] { request->set_resume(true); },
      "Subscribes again: for the person alone");
  AddUsage(*command, request->mutable_usage());
}

}  // namespace

void AddPeoplesWillCommands(CLI::App& subject, Session& session) {
  AddConsentCommands(subject, session);
  AddStops(subject, session);
  AddUnsubscribe(subject, session);
}

}  // namespace piivault::ops
