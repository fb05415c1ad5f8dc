// Credentials of the people whom data is about: `credential set|verify|revoke`.
#include <termios.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "vault/crypto/secret_bytes.h"

namespace piivault::ops {
namespace {

using Credentials = v1::CredentialService::Stub;

// While it lives, what is typed is not shown.
class NoEcho {
 public:
  NoEcho() {
    changed_ = tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!changed_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~NoEcho() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

// Asked for at a terminal, read from standard input otherwise: arguments are seen by others.
absl::Status ReadCredential(Session& session, std::string* value) {
  if (&session.in() == &std::cin && isatty(STDIN_FILENO) != 0) {
    session.err() << "Credential: " << std::flush;
    const NoEcho no_echo;
    std::getline(session.in(), *value);
    session.err() << "\n";
  } else {
    absl::StatusOr<std::string> text = ReadValue(session, "-");
    if (!text.ok()) return text.status();
    *value = *text;
    vault::Wipe(&*text);
  }
  if (value->empty()) return absl::InvalidArgumentError("there is no credential to read");
  return absl::OkStatus();
}

template <typename Request>
void AddTarget(CLI::App& command, std::shared_ptr<Request> request) {
  command.add_option("RECORD", *request->mutable_name(), "Record name or ref:TYPE:REF")->required();
  command.add_option("FIELD", *request->mutable_field(), "Field that is stored one way")
      ->required();
  AddUsage(command, request->mutable_usage());
}

// Completes the request, makes the call with it and returns its answer. The value goes nowhere
// else.
template <typename Request, typename Response>
absl::StatusOr<Response> AskWithValue(Session& session,
                                      UnaryMethod<Credentials, Request, Response> method,
                                      Request request) {
  absl::StatusOr<Connection*> vault = session.Connect();
  if (!vault.ok()) return vault.status();
  request.set_name(RecordName(session, request.name()));
  const absl::Status read = ReadCredential(session, request.mutable_value());
  absl::StatusOr<Response> response = read.ok()
                                          ? (*vault)->Call((*vault)->credential(), method, request)
                                          : absl::StatusOr<Response>(read);
  vault::Wipe(request.mutable_value());
  return response;
}

}  // namespace

void AddCredentialCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "credential",
                             "Passwords and login cookies; values are typed or come from stdin");

  auto set = std::make_shared<v1::SetCredentialRequest>();
  CLI::App* command = AddCommand(*group, "set", "Sets or replaces a credential", session,
                                 [set](Session& s) -> absl::StatusOr<int> {
                                   const auto response =
                                       AskWithValue(s, &Credentials::SetCredential, *set);
                                   if (!response.ok()) return response.status();
                                   s.render().Show(*response);
                                   return kExitOk;
                                 });
  AddTarget(*command, set);
  AddTime(
      *command, "--expires", "Last instant at which it holds (no end)", session,
      [set] { return set->mutable_expire_time(); }, Reckoned::kAhead);
  AddProvenance(*command, session, set->mutable_provenance());
  AddRequestId(*command, set->mutable_request_id());

  auto verify = std::make_shared<v1::VerifyCredentialRequest>();
  command = AddCommand(*group, "verify", "Tells whether a value is the credential", session,
                       [verify](Session& s) -> absl::StatusOr<int> {
                         const auto response =
                             AskWithValue(s, &Credentials::VerifyCredential, *verify);
                         if (!response.ok()) return response.status();
                         if (!response->verified() && !s.json()) s.out() << "verified: no\n";
                         s.render().Show(*response);
                         return response->verified() ? kExitOk : kExitDenied;
                       });
  AddTarget(*command, verify);

  auto revoke = std::make_shared<v1::RevokeCredentialRequest>();
  command = AddCommand(*group, "revoke", "Takes a credential back", session,
                       AskAndShow(revoke, &Connection::credential, &Credentials::RevokeCredential,
                                  Prepare<v1::RevokeCredentialRequest>([](Session& s, auto* r) {
                                    r->set_name(RecordName(s, r->name()));
                                    return absl::OkStatus();
                                  })));
  AddTarget(*command, revoke);
}

}  // namespace piivault::ops
