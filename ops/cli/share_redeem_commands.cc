// `piivault share redeem` and `share enrol`: what a recipient does.
#include <google/protobuf/util/json_util.h>
#include <openssl/crypto.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/redemption.h"
#include "ops/cli/share_tools.h"
#include "ops/cli/text.h"
#include "vault/sharing/enrolment.h"

namespace piivault::ops {
namespace {

using Sharing = v1::SharingService::Stub;

struct RedeemFlags {
  std::string token = "-";
  std::string request_id;
  std::string out;
};

// One line for each thing that came, told apart by its one member.
std::string JsonLine(std::string_view member, const google::protobuf::Message& message) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json).ok()) return "";
  return absl::StrCat("{\"", std::string(member), "\":", json, "}\n");
}

std::string JsonLines(const v1::RedeemExportTokenResponse& message) {
  std::string text;
  if (message.has_tag()) text += JsonLine("tag", message.tag());
  for (const v1::DisclosedSubject& subject : message.subjects()) {
    text += JsonLine("subject", subject);
  }
  return text;
}

// A person: its handle, then its records with their values indented.
std::string ForPeople(const v1::DisclosedSubject& subject) {
  std::string text = absl::StrCat("\n", EscapeForTerminal(subject.handle()), "\n");
  for (const v1::RevealedRecord& record : subject.records()) {
    absl::StrAppend(&text, "  ", record.type(), ", version ", record.version(), "\n");
    for (const auto& [name, value] : record.fields()) {
      absl::StrAppend(&text, "    ", name, ": ", EscapeForTerminal(value.value()), "\n");
    }
  }
  for (const v1::StopOfUse& stop : subject.stops()) {
    absl::StrAppend(&text, "  not to be used: ", stop.fields().empty() ? "*" : stop.fields(),
                    stop.purpose().empty() ? "" : " for ", stop.purpose(), "\n");
  }
  return text;
}

std::string ForPeople(const v1::PurposeTag& tag) {
  return absl::StrCat("purpose: ", EscapeForTerminal(tag.purpose()),
                      "\nfrom: ", EscapeForTerminal(tag.controller()),
                      "\nbasis: ", EscapeForTerminal(tag.basis()),
                      "\nterms: ", absl::StrJoin(tag.terms(), ", "),
                      "\nfields: ", absl::StrJoin(tag.fields(), ", "),
                      "\ndisclosure: ", EscapeForTerminal(tag.disclosure()), "\n");
}

std::string ForPeople(const v1::RedeemExportTokenResponse& message) {
  std::string text;
  if (message.has_tag()) text += ForPeople(message.tag());
  for (const v1::DisclosedSubject& subject : message.subjects()) text += ForPeople(subject);
  return text;
}

absl::StatusOr<int> RedeemToken(Session& session, const RedeemFlags& flags) {
  const absl::StatusOr<std::string> token = ReadExportToken(session, flags.token);
  if (!token.ok()) return token.status();
  const std::string request_id = flags.request_id.empty() ? RequestIdOf(*token) : flags.request_id;
  absl::StatusOr<Output> output = Output::Open(session, flags.out);
  if (!output.ok()) return output.status();
  absl::StatusOr<Connection*> vault = session.Connect();
  if (!vault.ok()) return vault.status();
  const bool lines = session.json() || !flags.out.empty();
  int64_t given = 0;
  const RedemptionSink sink = [&](const v1::RedeemExportTokenResponse& message) {
    given += message.subjects_size();
    if (session.err_is_terminal()) session.err() << "\r" << given << " people" << std::flush;
    return output->Write(lines ? JsonLines(message) : ForPeople(message));
  };
  const absl::StatusOr<RedemptionResult> result =
      Redeem(**vault, *token, request_id, RedemptionOptions(), sink);
  if (session.err_is_terminal()) session.err() << "\n";
  if (!result.ok()) {
    if (given > 0)
      session.err() << "the same command takes the same use up again, from the start\n";
    return result.status();
  }
  absl::Status status;
  if (lines) {
    status = output->Write(absl::StrCat("{\"complete\":true,\"given\":", result->given,
                                        ",\"omitted\":", result->omitted, "}\n"));
  }
  if (status.ok()) status = output->Finish();
  if (!status.ok()) return status;
  session.err() << result->given << " people, " << result->omitted << " left out";
  if (result->resumed > 0) session.err() << "; taken up again " << result->resumed << " times";
  session.err() << "\n";
  return result->omitted == 0 ? kExitOk : kExitPartial;
}

void AddRedeem(CLI::App& group, Session& session) {
  auto flags = std::make_shared<RedeemFlags>();
  CLI::App* command =
      AddCommand(group, "redeem", "Takes the data of an export token, as its recipient", session,
                 [flags](Session& s) { return RedeemToken(s, *flags); });
  command->add_option("TOKEN", flags->token, "The token, @FILE, or - for standard input")
      ->capture_default_str();
  command->add_option("--request-id", flags->request_id,
                      "Key of this use, at most 64 characters (made of the token)");
  command
      ->add_option("--out", flags->out,
                   "New file for the data, as JSON lines, readable by you alone; there once "
                   "complete")
      ->type_name("FILE");
  command->footer(
      "The same command again goes on with the same use: it gets the data once more, as it is "
      "then,\n"
      "and no other use is taken, until ten minutes after all of it was given. For another use of "
      "a token that has several, give another\n"
      "--request-id. A connection that breaks is taken up again where it broke.\n"
      "JSON lines are {\"tag\":…}, {\"subject\":…} for each person, and {\"complete\":true,…} "
      "last.\n"
      "Exit code 3: people were left out who may not be given today.\n"
      "  piivault share redeem @token.txt --out people.jsonl");
}

// The request to enrol the certificate of `file` by the present one.
absl::Status FillEnrolment(Session& session, const std::string& file, const std::string& key_file,
                           v1::EnrolCertificateRequest* request) {
  constexpr size_t kMaxPem = size_t{32} << 10;
  absl::StatusOr<Profile> profile = session.ResolveProfile();
  if (!profile.ok()) return profile.status();
  std::string digests[2];
  std::string pem;
  const std::string* paths[] = {&profile->certificate, &file};
  for (int i = 0; i < 2; ++i) {
    absl::StatusOr<std::string> text = ReadFile(*paths[i], kMaxPem);
    if (!text.ok()) return text.status();
    absl::StatusOr<std::string> digest = vault::FirstCertificateSha256(*text);
    if (!digest.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(*paths[i], ": ", digest.status().message()));
    }
    digests[i] = *std::move(digest);
    pem = *std::move(text);
  }
  absl::StatusOr<std::string> key = ReadFile(key_file, kMaxPem);
  if (!key.ok()) return key.status();
  absl::StatusOr<std::string> proof =
      vault::SignEnrolment(*key, vault::EnrolmentText(digests[0], digests[1]));
  OPENSSL_cleanse(key->data(), key->size());
  if (!proof.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(key_file, ": ", proof.status().message()));
  }
  if (!vault::IsSignedByCertificate(pem, vault::EnrolmentText(digests[0], digests[1]), *proof)) {
    return absl::InvalidArgumentError(
        absl::StrCat(key_file, " is not the key of the certificate in ", file));
  }
  request->set_certificate_chain_pem(std::move(pem));
  request->set_proof(*std::move(proof));
  return absl::OkStatus();
}

void AddEnrol(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::EnrolCertificateRequest>();
  auto file = std::make_shared<std::string>();
  auto key = std::make_shared<std::string>();
  CLI::App* command =
      AddCommand(group, "enrol",
                 "Lets a recipient's certificate with a new name call, by the present one", session,
                 AskAndShow(request, &Connection::sharing, &Sharing::EnrolCertificate,
                            Prepare<v1::EnrolCertificateRequest>([file, key](Session& s, auto* r) {
                              return FillEnrolment(s, *file, *key, r);
                            })));
  command->add_option("FILE", *file, "The new certificate and what leads to its root, PEM")
      ->required();
  command
      ->add_option("--new-key", *key,
                   "The new certificate's private key, PEM: shows that it is yours, and stays here")
      ->required()
      ->type_name("FILE");
}

}  // namespace

void AddShareRedeemCommands(CLI::App& share, Session& session) {
  AddRedeem(share, session);
  AddEnrol(share, session);
}

}  // namespace piivault::ops
