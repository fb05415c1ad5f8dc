#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/digest.h"

namespace piivault::ops {
namespace {

using Admin = v1::AdminService::Stub;

void AddPersonArguments(CLI::App& command, const Session& session, v1::Person* person) {
  command.add_option("NAME", *person->mutable_name(), "Lower-case letters, digits and -")
      ->required()
      ->transform(Qualified("persons/"));
  command.add_option("--display-name", *person->mutable_display_name(), "For people");
  AddEnum<v1::Employment>(command, "--employment", "Employment",
                          [person](v1::Employment value) { person->set_employment(value); });
  command.add_option("--department", *person->mutable_department(), "Id of the policy");
  command.add_option_function<std::vector<std::string>>(
      "--duty",
      [person](const std::vector<std::string>& duties) {
        person->mutable_duties()->Assign(duties.begin(), duties.end());
      },
      "Id of the policy; may be given several times");
  command.add_option("--justification", *person->mutable_justification(),
                     "Why the person counts as equivalent to an employee");
  AddTime(
      command, "--justification-until", "Until when that holds", session,
      [person] { return person->mutable_justification_end_time(); }, Reckoned::kAhead);
}

// `persons/P/attestations/A` of the newest attestation of this kind.
absl::StatusOr<std::string> NewestAttestation(Session& session, const std::string& person,
                                              const std::string& kind) {
  v1::GetPersonRequest request;
  request.set_name(person);
  auto response = Ask(session, &Connection::admin, &Admin::GetPerson, request);
  if (!response.ok()) return response.status();
  for (const v1::Attestation& attestation : response->person().attestations()) {
    if (attestation.kind() == kind && !attestation.has_revoked_at()) return attestation.name();
  }
  return absl::NotFoundError(absl::StrCat(person, " has no ", kind, " that is not revoked"));
}

void AddNdaRecord(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::RecordAttestationRequest>();
  auto document = std::make_shared<std::string>();
  CLI::App* command =
      AddCommand(group, "record", "Records a signed document; only its SHA-256 is sent", session,
                 AskAndShow(request, &Connection::admin, &Admin::RecordAttestation,
                            Prepare<v1::RecordAttestationRequest>([document](Session& s, auto* r) {
                              v1::Attestation* attestation = r->mutable_attestation();
                              if (attestation->signatory().empty())
                                attestation->set_signatory(r->person());
                              if (!attestation->has_signed_at()) {
                                *attestation->mutable_signed_at() = ToProto(s.now());
                              }
                              r->set_tenant(s.tenant());
                              absl::StatusOr<std::string> digest = FileSha256(*document);
                              if (!digest.ok()) return digest.status();
                              attestation->set_document_sha256(*digest);
                              return absl::OkStatus();
                            })));
  v1::Attestation* attestation = request->mutable_attestation();
  command->add_option("PERSON", *request->mutable_person(), "Who is bound")
      ->required()
      ->transform(Qualified("persons/"));
  command->add_option("--document", *document, "File of the signed document")->required();
  attestation->set_kind("nda_contract");
  command->add_option("--kind", *attestation->mutable_kind(), "Kind, an id of the policy")
      ->capture_default_str();
  command->add_option("--signatory", *attestation->mutable_signatory(), "Who signed (PERSON)")
      ->transform(Qualified("persons/"));
  AddTime(*command, "--signed-at", "When it was signed (now)", session,
          [attestation] { return attestation->mutable_signed_at(); });
  AddLastDay(
      *command, session, [r = request.get()] { return r->mutable_valid_until_date(); },
      [attestation] { return attestation->mutable_valid_until(); })
      ->required();
  AddRequestId(*command, request->mutable_request_id());
}

void AddNdaRevoke(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::RevokeAttestationRequest>();
  auto kind = std::make_shared<std::string>("nda_contract");
  CLI::App* command =
      AddCommand(group, "revoke", "Revokes a document, with effect on the next call", session,
                 AskAndShow(request, &Connection::admin, &Admin::RevokeAttestation,
                            Prepare<v1::RevokeAttestationRequest>([kind](Session& s, auto* r) {
                              if (absl::StrContains(r->name(), "/attestations/"))
                                return absl::OkStatus();
                              auto name = NewestAttestation(s, r->name(), *kind);
                              if (!name.ok()) return name.status();
                              r->set_name(*name);
                              return absl::OkStatus();
                            })));
  command
      ->add_option("NAME", *request->mutable_name(),
                   "persons/P/attestations/A, or the person: the newest of --kind")
      ->required()
      ->transform(Qualified("persons/"));
  command->add_option("--kind", *kind, "Kind, an id of the policy")->capture_default_str();
}

void AddNdaList(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::GetPersonRequest>();
  CLI::App* command = AddCommand(group, "list", "Lists a person's documents", session,
                                 [request](Session& s) -> absl::StatusOr<int> {
                                   auto response =
                                       Ask(s, &Connection::admin, &Admin::GetPerson, *request);
                                   if (!response.ok()) return response.status();
                                   s.render().List(response->person(), "attestations",
                                                   {{"KIND", "kind"},
                                                    {"SIGNED", "signed_at"},
                                                    {"VALID UNTIL", "valid_until"},
                                                    {"REVOKED", "revoked_at"},
                                                    {"SIGNATORY", "signatory"},
                                                    {"RECORDED BY", "recorded_by"},
                                                    {"NAME", "name"}});
                                   s.render().Receipt(*response);
                                   return kExitOk;
                                 });
  command->add_option("PERSON", *request->mutable_name(), "Person")
      ->required()
      ->transform(Qualified("persons/"));
}

}  // namespace

void AddPersonCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "person", "Persons who work with the vault");

  auto create = std::make_shared<v1::CreatePersonRequest>();
  CLI::App* command = AddCommand(*group, "create", "Registers a person", session,
                                 AskAndShow(create, &Connection::admin, &Admin::CreatePerson));
  AddPersonArguments(*command, session, create->mutable_person());
  AddRequestId(*command, create->mutable_request_id());

  auto update = std::make_shared<v1::UpdatePersonRequest>();
  command =
      AddCommand(*group, "update", "Replaces all but the documents; what is not given is cleared",
                 session, AskAndShow(update, &Connection::admin, &Admin::UpdatePerson));
  AddPersonArguments(*command, session, update->mutable_person());

  auto get = std::make_shared<v1::GetPersonRequest>();
  command = AddCommand(*group, "get", "Shows a person with all documents", session,
                       AskAndShow(get, &Connection::admin, &Admin::GetPerson));
  command->add_option("NAME", *get->mutable_name(), "Person")
      ->required()
      ->transform(Qualified("persons/"));

  auto list = std::make_shared<v1::ListPersonsRequest>();
  auto limit = std::make_shared<int64_t>(kDefaultLimit);
  command = AddCommand(*group, "list", "Lists persons", session,
                       AskAndList(list, limit, &Connection::admin, &Admin::ListPersons, "persons",
                                  {{"NAME", "name"},
                                   {"DISPLAY NAME", "display_name"},
                                   {"EMPLOYMENT", "employment"},
                                   {"DEPARTMENT", "department"},
                                   {"DUTIES", "duties"}}));
  AddLimit(*command, limit.get());
}

void AddNdaCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "nda", "Signed documents: NDA contracts, pledges, training");
  AddNdaRecord(*group, session);
  AddNdaRevoke(*group, session);
  AddNdaList(*group, session);
}

}  // namespace piivault::ops
