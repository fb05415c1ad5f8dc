// What people ask for: `subject request open|confirm|refuse|withdraw|complete|list`.
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/digest.h"

namespace piivault::ops {
namespace {

using Rights = v1::SubjectRightsService::Stub;
using Strings = std::vector<std::string>;

// Completes the request's name by the session's tenant.
template <typename Request>
Prepare<Request> CompleteName() {
  return [](Session& session, Request* request) {
    request->set_name(SubjectRequestName(session, request->name()));
    return absl::OkStatus();
  };
}

template <typename Request>
void AddName(CLI::App& command, Request* request) {
  command.add_option("REQUEST", *request->mutable_name(), "SUBJECT/requests/ID, or the whole name")
      ->required()
      ->check([](const std::string& name) {
        return IsSubjectRequest(name)
                   ? std::string()
                   : std::string(
                         "takes SUBJECT/requests/ID or tenants/T/subjects/SUBJECT/requests/ID");
      });
}

// `--fields`. A list of nothing is wrong use, also where the next option would be taken for a
// field: left out, the option means all that are open.
CLI::Option* AddFields(CLI::App& command, Strings* fields, const std::string& description) {
  return command.add_option("--fields", *fields, description)
      ->delimiter(',')
      ->check([](const std::string& field) {
        return field.empty() || field == "{}" || field.starts_with('-')
                   ? std::string("takes type.field or type.*")
                   : std::string();
      })
      ->type_name("FIELDS");
}

// `--document`. No name is wrong use, so that nobody goes without the document unawares.
void AddDocument(CLI::App& command, std::string* file, const std::string& description) {
  command.add_option("--document", *file, description)
      ->check([](const std::string& name) {
        return name.empty() ? std::string("takes a file") : std::string();
      })
      ->type_name("FILE");
}

// Of a file only this goes to the vault; nothing where there is none.
absl::Status SetDigest(const std::string& file, std::string* sha256) {
  if (file.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> digest = FileSha256(file);
  if (!digest.ok()) return digest.status();
  *sha256 = *std::move(digest);
  return absl::OkStatus();
}

void AddOpen(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::OpenRequestRequest>();
  auto fields = std::make_shared<Strings>();
  CLI::App* command = AddCommand(
      group, "open",
      "Takes a request down; where its right freezes, nobody uses the fields or hands them out "
      "until it is closed",
      session,
      AskAndShow(request, &Connection::rights, &Rights::OpenRequest,
                 Prepare<v1::OpenRequestRequest>([fields](Session& s, auto* r) {
                   r->set_subject(SubjectName(s, r->subject()));
                   r->mutable_request()->mutable_fields()->Assign(fields->begin(), fields->end());
                   return absl::OkStatus();
                 })));
  v1::SubjectRequest* asked = request->mutable_request();
  command
      ->add_option("SUBJECT", *request->mutable_subject(),
                   "Person whose data it is about: tenants/T/subjects/S, or S")
      ->required();
  command->add_option("--right", *asked->mutable_right(), "Right that it rests on, of the policy")
      ->required()
      ->type_name("ID");
  command->add_option("--kind", *asked->mutable_kind(), "What is asked for, e.g. erase")
      ->required();
  AddFields(*command, fields.get(), "Fields that it is about, e.g. svc.phone,ext.*")->required();
  command->add_option("--ground", *asked->mutable_ground(),
                      "Why it is asked for, where the right names grounds, e.g. untrue");
  AddUsage(*command, request->mutable_usage());
  AddRequestId(*command, request->mutable_request_id());
}

void AddConfirm(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::ConfirmIdentityRequest>();
  auto document = std::make_shared<std::string>();
  CLI::App* command = AddCommand(
      group, "confirm",
      "Records how it was seen who asks, in place of what was recorded before; many a right asks "
      "for it before its requests can be completed",
      session,
      AskAndShow(request, &Connection::rights, &Rights::ConfirmIdentity,
                 Prepare<v1::ConfirmIdentityRequest>([document](Session& s, auto* r) {
                   r->set_name(SubjectRequestName(s, r->name()));
                   return SetDigest(*document, r->mutable_evidence()->mutable_document_sha256());
                 })));
  AddName(*command, request.get());
  command
      ->add_option("--method", *request->mutable_evidence()->mutable_method(),
                   "How, one of the right's where it names any, e.g. passport")
      ->required();
  AddDocument(*command, document.get(), "File of what was seen; only its SHA-256 is sent");
  AddUsage(*command, request->mutable_usage());
}

void AddRefuse(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::RefuseRequestRequest>();
  auto fields = std::make_shared<Strings>();
  auto document = std::make_shared<std::string>();
  CLI::App* command = AddCommand(
      group, "refuse",
      "Refuses a request, or some of its fields, on a ground that its right names; they are closed "
      "as long as the ground holds",
      session,
      AskAndShow(request, &Connection::rights, &Rights::RefuseRequest,
                 Prepare<v1::RefuseRequestRequest>([fields, document](Session& s, auto* r) {
                   r->set_name(SubjectRequestName(s, r->name()));
                   v1::RequestRefusal& refusal = *r->mutable_refusal();
                   refusal.mutable_fields()->Assign(fields->begin(), fields->end());
                   return SetDigest(*document, refusal.mutable_document_sha256());
                 })));
  v1::RequestRefusal* refusal = request->mutable_refusal();
  AddName(*command, request.get());
  command
      ->add_option("--ground", *refusal->mutable_ground(),
                   "Why, one of the right's, e.g. statute_or_legal_duty")
      ->required();
  AddFields(*command, fields.get(), "Fields that are refused (all that are open)");
  CLI::Option* law = command->add_option("--law", *refusal->mutable_law(),
                                         "Law that a legal ground rests on, of the policy");
  CLI::Option* article =
      command->add_option("--article", *refusal->mutable_article(), "Its article, e.g. 85-3");
  law->needs(article);
  article->needs(law);
  AddDocument(*command, document.get(),
              "File that weighs the interests, for harm_to_others; only its SHA-256 is sent");
  AddUsage(*command, request->mutable_usage());
}

void AddWithdraw(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::WithdrawRequestRequest>();
  CLI::App* command = AddCommand(
      group, "withdraw",
      "Takes a request back, and nothing of it is frozen any more: for the person, or for who has "
      "written it down and seen nobody yet",
      session,
      AskAndShow(request, &Connection::rights, &Rights::WithdrawRequest,
                 CompleteName<v1::WithdrawRequestRequest>()));
  AddName(*command, request.get());
  AddUsage(*command, request->mutable_usage());
}

void AddComplete(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::CompleteRequestRequest>();
  CLI::App* command = AddCommand(
      group, "complete",
      "Records that what is open was carried out, and closes the request; refused, with the "
      "fields, where the vault sees that it was not",
      session,
      AskAndShow(request, &Connection::rights, &Rights::CompleteRequest,
                 CompleteName<v1::CompleteRequestRequest>()));
  AddName(*command, request.get());
  AddUsage(*command, request->mutable_usage());
}

// Of the refusals that hold one for each ground. Those that do not hold refuse nothing.
void KeepGroundsThatHold(v1::SubjectRequest* request) {
  std::set<std::string> seen;
  v1::SubjectRequest kept;
  for (v1::RequestRefusal& refusal : *request->mutable_refusals()) {
    if (!refusal.lapsed() && seen.insert(refusal.ground()).second) {
      kept.add_refusals()->Swap(&refusal);
    }
  }
  request->mutable_refusals()->Swap(kept.mutable_refusals());
}

void AddList(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::ListRequestsRequest>();
  CLI::App* command = AddCommand(
      group, "list",
      "Lists a person's requests, oldest first, with the grounds of refusals that hold; --output "
      "json has all of them",
      session, [request](Session& s) -> absl::StatusOr<int> {
        auto response = Ask(s, &Connection::rights, &Rights::ListRequests, *request,
                            Prepare<v1::ListRequestsRequest>([](Session& inner, auto* r) {
                              r->set_subject(SubjectName(inner, r->subject()));
                              return absl::OkStatus();
                            }));
        if (!response.ok()) return response.status();
        if (!s.json()) {
          for (v1::SubjectRequest& one : *response->mutable_requests()) KeepGroundsThatHold(&one);
        }
        s.render().List(*response, "requests",
                        {{"REQUEST", "name"},
                         {"KIND", "kind"},
                         {"STATE", "state"},
                         {"OPEN", "open_fields"},
                         {"REFUSED", "refusals.ground"},
                         {"OPENED", "open_time"},
                         {"IDENTITY", "identity.method"}});
        return kExitOk;
      });
  command->add_option("SUBJECT", *request->mutable_subject(), "Person")->required();
  command->add_flag_callback(
      "--open", [request] { request->set_open_only(true); }, "Only those that are open");
  AddUsage(*command, request->mutable_usage());
}

}  // namespace

void AddRequestCommands(CLI::App& subject, Session& session) {
  CLI::App* group = AddGroup(subject, "request", "What people ask for of their data");
  AddOpen(*group, session);
  AddConfirm(*group, session);
  AddRefuse(*group, session);
  AddWithdraw(*group, session);
  AddComplete(*group, session);
  AddList(*group, session);
}

}  // namespace piivault::ops
