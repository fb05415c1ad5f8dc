// `piivault share issue`, and what becomes of tokens until they are redeemed.
#include <istream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/share_tools.h"

namespace piivault::ops {
namespace {

using Sharing = v1::SharingService::Stub;
using Strings = std::vector<std::string>;

// People or records, one name a line.
absl::StatusOr<Strings> ReadNames(Session& session, const std::string& path) {
  absl::StatusOr<std::string> text = ReadValue(session, path == "-" ? path : "@" + path);
  if (!text.ok()) return text.status();
  std::istringstream lines(*text);
  Strings names;
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) names.push_back(std::move(line));
  }
  return names;
}

struct IssueFlags {
  v1::IssueExportTokenRequest request;
  Strings fields;
  Strings subjects;
  std::string subjects_from;
  Strings assertions;
  Strings requested;
  Strings notices;
  bool quiet = false;
};

absl::Status Complete(Session& session, const IssueFlags& flags,
                      v1::IssueExportTokenRequest* request) {
  request->set_parent(session.tenant());
  request->set_recipient(RecipientName(session, request->recipient()));
  request->mutable_fields()->Assign(flags.fields.begin(), flags.fields.end());
  request->mutable_requested()->Assign(flags.requested.begin(), flags.requested.end());
  Strings names = flags.subjects;
  if (!flags.subjects_from.empty()) {
    absl::StatusOr<Strings> listed = ReadNames(session, flags.subjects_from);
    if (!listed.ok()) return listed.status();
    names.insert(names.end(), listed->begin(), listed->end());
  }
  for (const std::string& name : flags.notices) {
    request->add_notices(CorrectionNoticeName(session, name));
  }
  if (names.empty()) {
    return absl::InvalidArgumentError("there is nobody in " + flags.subjects_from);
  }
  for (const std::string& name : names) request->add_subjects(SubjectName(session, name));
  return ReadFields(session, flags.assertions, request->mutable_assertions(), "--assert");
}

// What is to be done by whom until there is a token.
void SayWaiting(Session& session, const v1::ExportToken& token) {
  session.err() << "waits for " << token.approvals_needed() - token.approvers_size()
                << " approvals, by others than you whose role has approve_exception; each types\n"
                << "  piivault share approve " << token.name() << " --sha256 " << token.sha256()
                << " --for PURPOSE\nand you fetch the token with\n  piivault share show "
                << token.name() << " -q\n";
}

absl::StatusOr<int> ShowToken(Session& session, const google::protobuf::Message& response,
                              const v1::ExportToken& description, const std::string& token,
                              bool quiet) {
  if (quiet && !token.empty()) {
    session.out() << token << "\n";
    return kExitOk;
  }
  if (quiet && description.state() != v1::EXPORT_TOKEN_STATE_WAITING) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is no token to show: ", FormatField(description, "state"),
                     ", or issued by somebody else"));
  }
  if (!quiet) session.render().Show(response);
  return kExitOk;
}

absl::StatusOr<int> Issue(Session& session, const IssueFlags& flags) {
  absl::StatusOr<Connection*> vault = session.Connect();
  if (!vault.ok()) return vault.status();
  v1::IssueExportTokenRequest request = flags.request;
  if (absl::Status status = Complete(session, flags, &request); !status.ok()) return status;
  grpc::ClientContext context;
  auto reader = (*vault)->sharing().IssueExportToken(&context, request);
  v1::IssueExportTokenResponse message;
  v1::IssueExportTokenResponse last;
  while (reader->Read(&message)) {
    last = message;
    if (session.err_is_terminal()) {
      session.err() << "\r" << message.decided() << " decided, " << message.skipped() << " left out"
                    << std::flush;
    }
  }
  if (session.err_is_terminal()) session.err() << "\n";
  if (const grpc::Status status = reader->Finish(); !status.ok()) return FromGrpc(status);
  if (!last.has_description()) {
    return absl::DataLossError("the vault ended its answer before it was complete");
  }
  auto shown = ShowToken(session, last, last.description(), last.token(), flags.quiet);
  if (!shown.ok()) return shown;
  for (const std::string& warning : last.warnings())
    session.err() << "warning: " << warning << "\n";
  if (last.skipped() > 0) session.err() << last.skipped() << " people were left out\n";
  const bool waits = last.description().state() == v1::EXPORT_TOKEN_STATE_WAITING;
  if (waits) SayWaiting(session, last.description());
  return waits || last.skipped() > 0 ? kExitPartial : kExitOk;
}

CLI::Option* AddQuiet(CLI::App& command, bool* quiet) {
  return command.add_flag("-q,--quiet", *quiet, "Print the token and nothing else");
}

void AddWhom(CLI::App& command, IssueFlags* flags) {
  CLI::App* whom = AddOneOrMore(command, "People");
  whom->add_option("--subject", flags->subjects,
                   "A person, or a record of a person; of a person all records; may be repeated")
      ->type_name("NAME");
  whom->add_option("--subjects-from", flags->subjects_from,
                   "File with one such name a line, or - for standard input")
      ->type_name("FILE");
  command.add_flag_callback(
      "--skip-denied", [flags] { flags->request.set_skip_denied(true); },
      "Leave out people who may not be given, rather than refuse the whole");
}

void AddTerms(CLI::App& command, const Session& session, IssueFlags* flags) {
  v1::IssueExportTokenRequest* request = &flags->request;
  command
      .add_option_function<std::string>(
          "--lifetime",
          [request](const std::string& text) {
            absl::Duration length;
            if (!ParseLength(text, &length)) return;
            request->set_lifetime_seconds(absl::ToInt64Seconds(length));
          },
          "How long it is good for, e.g. 90m; at most 24h (15m, or the rule's)")
      ->check([](const std::string& text) {
        absl::Duration length;
        return ParseLength(text, &length) && length >= absl::Seconds(1) && length <= absl::Hours(24)
                   ? std::string()
                   : std::string("takes a duration such as 15m, at most 24h");
      })
      ->type_name("LENGTH");
  command
      .add_option_function<uint32_t>(
          "--uses", [request](const uint32_t& uses) { request->set_uses(uses); },
          "How often it can be redeemed (1)")
      ->check(CLI::Range(1, 1000));
  AddTime(
      command, "--not-before", "From when it can be redeemed (at once)", session,
      [request] { return request->mutable_not_before(); }, Reckoned::kAhead);
}

void AddIssue(CLI::App& group, Session& session) {
  auto flags = std::make_shared<IssueFlags>();
  CLI::App* command =
      AddCommand(group, "issue", "Issues an export token: these fields of these people, for this",
                 session, [flags](Session& s) { return Issue(s, *flags); });
  command->add_option("--to", *flags->request.mutable_recipient(), "Recipient")->required();
  command->add_option("--rule", *flags->request.mutable_rule(), "Sharing rule of the policy")
      ->required();
  AddUsage(*command, flags->request.mutable_usage());
  command->get_option("--for")->required();
  command->remove_option(command->get_option("--on-behalf-of"));
  command->add_option("--field", flags->fields, "type.field; separated by commas, or repeated")
      ->delimiter(',')
      ->required();
  AddWhom(*command, flags.get());
  command
      ->add_option("--assert", flags->assertions,
                   "What the rule's legal basis asks for, e.g. document_hash; may be repeated")
      ->type_name("NAME=VALUE");
  command
      ->add_option("--requested", flags->requested,
                   "What the recipient has asked for, type.field, where the rule goes by it")
      ->delimiter(',');
  command
      ->add_option("--for-notice", flags->notices,
                   "A correction notice that offers the recipient this token; may be repeated")
      ->type_name("NAME");
  AddTerms(*command, session, flags.get());
  AddRequestId(*command, flags->request.mutable_request_id());
  AddQuiet(*command, &flags->quiet);
  command->footer(
      "All people are decided now, and each again when the token is redeemed. Give the token to "
      "its\n"
      "recipient and to nobody else; only the recipient's certificate redeems it.\n"
      "Exit code 3: it waits for approvals, or people were left out.\n"
      "  piivault share issue --to yamato --rule carrier --for order --field customer.name \\\n"
      "    --field customer.address --subjects-from people.txt --lifetime 1h -q > token.txt");
}

CLI::Option* AddTokenName(CLI::App& command, std::string* name) {
  return command.add_option("NAME", *name, "Export token, as `share list` names it")->required();
}

void AddReading(CLI::App& group, Session& session) {
  auto get = std::make_shared<v1::GetExportTokenRequest>();
  auto quiet = std::make_shared<bool>(false);
  CLI::App* command = AddCommand(
      group, "show", "Shows what a token is for; to its issuer also the token", session,
      [get, quiet](Session& s) -> absl::StatusOr<int> {
        auto response = Ask(s, &Connection::sharing, &Sharing::GetExportToken, *get,
                            Prepare<v1::GetExportTokenRequest>([](Session& inner, auto* r) {
                              r->set_name(ExportTokenName(inner, r->name()));
                              return absl::OkStatus();
                            }));
        if (!response.ok()) return response.status();
        const v1::ExportToken& description = response->description();
        auto shown = ShowToken(s, *response, description, response->token(), *quiet);
        if (!shown.ok() || description.state() != v1::EXPORT_TOKEN_STATE_WAITING) return shown;
        SayWaiting(s, description);
        return *quiet ? kExitPartial : kExitOk;
      });
  AddTokenName(*command, get->mutable_name());
  command->add_option_function<uint32_t>(
      "--skip", [get](const uint32_t& people) { get->set_skip(people); },
      "Name the people behind so many of them: 100 are named at a time");
  AddQuiet(*command, quiet.get());
  AddUsage(*command, get->mutable_usage());
  command->footer("Approvers state the purpose that their role has approve_exception for.");

  auto list = std::make_shared<v1::ListExportTokensRequest>();
  auto limit = std::make_shared<int64_t>(kDefaultLimit);
  command =
      AddCommand(group, "list", "Lists tokens, without the tokens themselves", session,
                 AskAndList(list, limit, &Connection::sharing, &Sharing::ListExportTokens, "tokens",
                            {{"NAME", "name"},
                             {"STATE", "state"},
                             {"RECIPIENT", "recipient"},
                             {"RULE", "rule"},
                             {"PURPOSE", "purpose"},
                             {"PEOPLE", "subjects"},
                             {"USES", "uses"},
                             {"TAKEN", "uses_taken"},
                             {"UNTIL", "expire_time"}},
                            Prepare<v1::ListExportTokensRequest>([](Session& s, auto* r) {
                              r->set_parent(s.tenant());
                              if (!r->recipient().empty()) {
                                r->set_recipient(RecipientName(s, r->recipient()));
                              }
                              return absl::OkStatus();
                            })));
  command->add_option("--recipient", *list->mutable_recipient(), "To this recipient only");
  AddEnum<v1::ExportTokenState>(*command, "--state", "In this state only",
                                [list](v1::ExportTokenState state) { list->set_state(state); });
  AddLimit(*command, limit.get());
  command->footer("Whoever issues sees the own ones; officers, administrators and auditors all.");
}

struct ApproveFlags {
  v1::ApproveExportTokenRequest request;
  bool yes = false;
};

// Shows what would be approved and asks. Who approves has to have seen it.
bool Confirm(Session& session, const v1::GetExportTokenResponse& token) {
  Renderer(OutputFormat::kTable, session.err(), session.err()).Show(token);
  if (token.description().subjects() > static_cast<uint32_t>(token.subjects_size())) {
    session.err() << "and others, " << token.description().subjects()
                  << " in all (share show --skip)\n";
  }
  session.err() << "Approve this disclosure? Type yes: " << std::flush;
  std::string answer;
  std::getline(session.in(), answer);
  return answer == "yes";
}

absl::StatusOr<int> Approve(Session& session, const ApproveFlags& flags) {
  absl::StatusOr<Connection*> vault = session.Connect();
  if (!vault.ok()) return vault.status();
  v1::ApproveExportTokenRequest request = flags.request;
  request.set_name(ExportTokenName(session, request.name()));
  if (request.sha256().empty()) {
    v1::GetExportTokenRequest get;
    get.set_name(request.name());
    *get.mutable_usage() = request.usage();
    auto there = Ask(session, &Connection::sharing, &Sharing::GetExportToken, get);
    if (!there.ok()) return there.status();
    request.set_sha256(there->description().sha256());
    if (!flags.yes && !Confirm(session, *there)) {
      return absl::CancelledError("not approved: the answer was not yes");
    }
  }
  auto response = Ask(session, &Connection::sharing, &Sharing::ApproveExportToken, request);
  if (!response.ok()) return response.status();
  session.render().Show(*response);
  return kExitOk;
}

void AddDecisions(CLI::App& group, Session& session) {
  auto approve = std::make_shared<ApproveFlags>();
  CLI::App* command = AddCommand(group, "approve", "Approves a token that waits: shows it and asks",
                                 session, [approve](Session& s) { return Approve(s, *approve); });
  AddTokenName(*command, approve->request.mutable_name());
  command->add_option("--sha256", *approve->request.mutable_sha256(),
                      "Hash of what was read elsewhere: then nothing is asked");
  command->add_flag("--yes", approve->yes, "Do not ask; for scripts");
  AddUsage(*command, approve->request.mutable_usage());
  command->footer(
      "For people whose role has approve_exception for the purpose, other than the issuer; each\n"
      "once. Shown is what would be given, to whom, and about whom (the first 100).");

  auto reject = std::make_shared<v1::RejectExportTokenRequest>();
  command = AddCommand(group, "reject", "Rejects a token that waits", session,
                       AskAndShow(reject, &Connection::sharing, &Sharing::RejectExportToken,
                                  Prepare<v1::RejectExportTokenRequest>([](Session& s, auto* r) {
                                    r->set_name(ExportTokenName(s, r->name()));
                                    return absl::OkStatus();
                                  })));
  AddTokenName(*command, reject->mutable_name());
  AddUsage(*command, reject->mutable_usage());
}

absl::StatusOr<int> Revoke(Session& session, const v1::RevokeExportTokensRequest& request) {
  auto response = Ask(session, &Connection::sharing, &Sharing::RevokeExportTokens, request,
                      Prepare<v1::RevokeExportTokensRequest>([](Session& s, auto* r) {
                        r->set_parent(s.tenant());
                        if (!r->token().empty()) r->set_token(ExportTokenName(s, r->token()));
                        if (!r->recipient().empty()) {
                          r->set_recipient(RecipientName(s, r->recipient()));
                        }
                        return absl::OkStatus();
                      }));
  if (!response.ok()) return response.status();
  // Show() leaves out what is 0, and that nothing matched is what somebody in a hurry has to see.
  if (!session.json() && response->revoked() == 0) session.out() << "revoked: 0\n";
  session.render().Show(*response);
  return kExitOk;
}

void AddRevoke(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::RevokeExportTokensRequest>();
  CLI::App* command =
      AddCommand(group, "revoke", "Revokes all tokens that match, with effect on the next message",
                 session, [request](Session& s) { return Revoke(s, *request); });
  CLI::App* which = AddOneOrMore(*command, "Tokens");
  which->add_option("NAME", *request->mutable_token(), "One token");
  which->add_option("--recipient", *request->mutable_recipient(), "To this recipient");
  which->add_option("--rule", *request->mutable_rule(), "By this sharing rule");
  which->add_option("--for", *request->mutable_purpose(), "For this purpose")->type_name("PURPOSE");
  which->add_option("--issuer", *request->mutable_issuer(), "Issued by this principal")
      ->transform(Qualified("principals/"));
  command->footer(
      "Tokens match that match all that is given; at least one thing is. Whoever issued may "
      "revoke\n"
      "the own ones (--issuer), officers and administrators any.");
}

absl::StatusOr<int> ShowKeys(Session& session, bool rotate) {
  if (rotate) {
    auto made = Ask(session, &Connection::sharing, &Sharing::RotateSigningKey,
                    v1::RotateSigningKeyRequest());
    if (!made.ok()) return made.status();
    session.err() << "new key " << made->key().kid() << "\n";
  }
  auto keys =
      Ask(session, &Connection::sharing, &Sharing::ListSigningKeys, v1::ListSigningKeysRequest());
  if (!keys.ok()) return keys.status();
  if (keys->keys_size() == 0) {
    return absl::NotFoundError(
        "there is no key that tokens are signed with yet: the first token makes one, or an "
        "administrator or operator by `piivault share keys --rotate`");
  }
  if (session.json()) {
    session.render().Json(*keys);
    return kExitOk;
  }
  for (const v1::SigningKey& key : keys->keys()) session.out() << key.public_key_pem();
  session.render().Receipt(*keys);
  return kExitOk;
}

void AddKeys(CLI::App& group, Session& session) {
  auto rotate = std::make_shared<bool>(false);
  CLI::App* command =
      AddCommand(group, "keys", "Prints the public keys that tokens are verified with, PEM",
                 session, [rotate](Session& s) { return ShowKeys(s, *rotate); });
  command->add_flag("--rotate", *rotate,
                    "Make a new key first; tokens of the one before are good for 24 hours more");
  command->footer(
      "Where there is no key yet the exit code is 4; --rotate (vault_admin, vault_operator) makes "
      "one.\n"
      "  piivault share keys > keys.pem\n"
      "  piivault share inspect --key keys.pem @token.txt");
}

}  // namespace

void AddShareTokenCommands(CLI::App& share, Session& session) {
  AddIssue(share, session);
  AddReading(share, session);
  AddDecisions(share, session);
  AddRevoke(share, session);
  AddKeys(share, session);
}

}  // namespace piivault::ops
