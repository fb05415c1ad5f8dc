// `piivault share recipient`: who outside may be given data, and what that rests on.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/digest.h"

namespace piivault::ops {
namespace {

using Sharing = v1::SharingService::Stub;
using Strings = std::vector<std::string>;

CLI::Option* AddName(CLI::App& command, std::string* name) {
  return command.add_option("NAME", *name, "Recipient")->required();
}

template <typename Request>
Prepare<Request> CompleteName() {
  return [](Session& session, Request* request) {
    request->set_name(RecipientName(session, request->name()));
    return absl::OkStatus();
  };
}

// What is said of a recipient; what is not given is left as it is.
struct Described {
  std::optional<std::string> display_name;
  std::optional<std::string> country;
  std::optional<std::string> address;
  std::optional<std::string> representative;
  std::optional<std::string> controller;
  std::optional<Strings> matters;  // KIND/ID
  bool no_matters = false;
};

void AddDescription(CLI::App& command, Described* described) {
  command.add_option("--display-name", described->display_name, "For people");
  command.add_option("--country", described->country, "Where it is, e.g. JP");
  command.add_option("--address", described->address, "Address, for records that the law asks for");
  command.add_option("--representative", described->representative,
                     "Who represents it, for the same");
  command.add_option("--controller", described->controller,
                     "Whose entrusted data it may have back, for category controller");
  command
      .add_option("--matter", described->matters,
                  "What it is there for, KIND/ID, e.g. option/O-17; may be repeated")
      ->type_name("KIND/ID");
}

absl::Status Describe(const Described& described, v1::Recipient* recipient) {
  if (described.display_name) recipient->set_display_name(*described.display_name);
  if (described.country) recipient->set_country(*described.country);
  if (described.address) recipient->set_address(*described.address);
  if (described.representative) recipient->set_representative(*described.representative);
  if (described.controller) recipient->set_controller(*described.controller);
  if (described.matters || described.no_matters) recipient->clear_matters();
  for (const std::string& text : described.matters.value_or(Strings())) {
    const size_t slash = text.find('/');
    if (slash == std::string::npos) {
      return absl::InvalidArgumentError("--matter needs KIND/ID, e.g. option/O-17");
    }
    v1::RecipientMatter* matter = recipient->add_matters();
    matter->set_kind(text.substr(0, slash));
    matter->set_id(text.substr(slash + 1));
  }
  return absl::OkStatus();
}

void AddRegister(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::RegisterRecipientRequest>();
  auto described = std::make_shared<Described>();
  auto identities = std::make_shared<Strings>();
  auto certificates = std::make_shared<Strings>();
  CLI::App* command = AddCommand(
      group, "register", "Registers a recipient and the principal that redeems for it", session,
      AskAndShow(request, &Connection::sharing, &Sharing::RegisterRecipient,
                 Prepare<v1::RegisterRecipientRequest>([=](Session& s, auto* r) {
                   v1::Recipient* recipient = r->mutable_recipient();
                   recipient->set_name(RecipientName(s, recipient->name()));
                   for (const std::string& uri : *identities) r->add_identities(uri);
                   for (const std::string& file : *certificates) {
                     absl::StatusOr<std::string> name = IdentityInFile(file);
                     if (!name.ok()) return name.status();
                     r->add_identities(*name);
                   }
                   return Describe(*described, recipient);
                 })));
  v1::Recipient* recipient = request->mutable_recipient();
  AddName(*command, recipient->mutable_name());
  command
      ->add_option("--category", *recipient->mutable_category(),
                   "As the policy's sharing rules say it, e.g. carrier")
      ->required();
  AddDescription(*command, described.get());
  command->get_option("--country")->required();
  command->add_option("--identity", *identities,
                      "spiffe://… or dns:…, as in its certificate; may be repeated");
  command->add_option("--certificate", *certificates,
                      "Take an identity from this certificate; may be repeated");
  AddRequestId(*command, request->mutable_request_id());
}

void AddReading(CLI::App& group, Session& session) {
  auto get = std::make_shared<v1::GetRecipientRequest>();
  CLI::App* command = AddCommand(group, "show", "Shows a recipient with its attestations", session,
                                 AskAndShow(get, &Connection::sharing, &Sharing::GetRecipient,
                                            CompleteName<v1::GetRecipientRequest>()));
  AddName(*command, get->mutable_name());

  auto list = std::make_shared<v1::ListRecipientsRequest>();
  auto limit = std::make_shared<int64_t>(kDefaultLimit);
  command = AddCommand(
      group, "list", "Lists the tenant's recipients", session,
      AskAndList(list, limit, &Connection::sharing, &Sharing::ListRecipients, "recipients",
                 {{"NAME", "name"},
                  {"CATEGORY", "category"},
                  {"COUNTRY", "country"},
                  {"DISPLAY NAME", "display_name"},
                  {"DISABLED", "disable_time"}},
                 Prepare<v1::ListRecipientsRequest>([](Session& s, auto* r) {
                   r->set_parent(s.tenant());
                   return absl::OkStatus();
                 })));
  AddLimit(*command, limit.get());
}

void AddUpdate(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::UpdateRecipientRequest>();
  auto described = std::make_shared<Described>();
  CLI::App* command = AddCommand(
      group, "update", "Changes what is given here, and leaves the rest as it is", session,
      AskAndShow(request, &Connection::sharing, &Sharing::UpdateRecipient,
                 Prepare<v1::UpdateRecipientRequest>([described](Session& s, auto* r) {
                   v1::GetRecipientRequest get;
                   get.set_name(RecipientName(s, r->recipient().name()));
                   auto there = Ask(s, &Connection::sharing, &Sharing::GetRecipient, get);
                   if (!there.ok()) return there.status();
                   *r->mutable_recipient() = there->recipient();
                   r->mutable_recipient()->clear_attestations();
                   return Describe(*described, r->mutable_recipient());
                 })));
  AddName(*command, request->mutable_recipient()->mutable_name());
  AddDescription(*command, described.get());
  command->add_flag("--no-matters", described->no_matters, "It is there for no matter any more")
      ->excludes(command->get_option("--matter"));
}

void AddDisable(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::DisableRecipientRequest>();
  CLI::App* command = AddCommand(
      group, "disable", "Disables a recipient for good; its tokens give nothing any more", session,
      AskAndShow(request, &Connection::sharing, &Sharing::DisableRecipient,
                 CompleteName<v1::DisableRecipientRequest>()));
  AddName(*command, request->mutable_name());
}

void AddAttest(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::RecordRecipientAttestationRequest>();
  auto document = std::make_shared<std::string>();
  auto fields = std::make_shared<Strings>();
  auto purposes = std::make_shared<Strings>();
  CLI::App* command = AddCommand(
      group, "attest", "Records a contract, NDA, review or membership; only its SHA-256 is sent",
      session,
      AskAndShow(request, &Connection::sharing, &Sharing::RecordRecipientAttestation,
                 Prepare<v1::RecordRecipientAttestationRequest>([=](Session& s, auto* r) {
                   r->set_recipient(RecipientName(s, r->recipient()));
                   v1::RecipientAttestation* attestation = r->mutable_attestation();
                   if (!attestation->has_signed_at()) {
                     *attestation->mutable_signed_at() = ToProto(s.now());
                   }
                   attestation->mutable_fields()->Assign(fields->begin(), fields->end());
                   attestation->mutable_purposes()->Assign(purposes->begin(), purposes->end());
                   absl::StatusOr<std::string> digest = FileSha256(*document);
                   if (!digest.ok()) return digest.status();
                   attestation->set_document_sha256(*digest);
                   return absl::OkStatus();
                 })));
  v1::RecipientAttestation* attestation = request->mutable_attestation();
  AddName(*command, request->mutable_recipient());
  command->add_option("--kind", *attestation->mutable_kind(), "What it is")
      ->required()
      ->check(CLI::IsMember({"contract", "partner_nda", "supervision", "membership"}));
  command->add_option("--document", *document, "File of the document")->required();
  AddTime(*command, "--signed-at", "When it was signed (now)", session,
          [attestation] { return attestation->mutable_signed_at(); });
  AddLastDay(
      *command, session, [attestation] { return attestation->mutable_valid_until_date(); },
      [attestation] { return attestation->mutable_valid_until(); });
  command->add_option("--field", *fields,
                      "Field that it is about, type.field or type.*; may be repeated");
  command->add_option("--for", *purposes, "Purpose that it is about (any); may be repeated")
      ->type_name("PURPOSE");
  AddRequestId(*command, request->mutable_request_id());
}

void AddRevokeAttestation(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::RevokeRecipientAttestationRequest>();
  CLI::App* command = AddCommand(
      group, "revoke-attestation", "Revokes an attestation, with effect on the next call", session,
      AskAndShow(request, &Connection::sharing, &Sharing::RevokeRecipientAttestation));
  command
      ->add_option("NAME", *request->mutable_name(),
                   "tenants/T/recipients/R/attestations/A, as `show` has it")
      ->required();
}

}  // namespace

void AddShareRecipientCommands(CLI::App& share, Session& session) {
  CLI::App* group = AddGroup(share, "recipient", "Who outside may be given data");
  AddRegister(*group, session);
  AddReading(*group, session);
  AddUpdate(*group, session);
  AddDisable(*group, session);
  AddAttest(*group, session);
  AddRevokeAttestation(*group, session);
}

}  // namespace piivault::ops
