#include <memory>
#include <string>
#include <vector>

#include "ops/cli/calls.h"
#include "ops/cli/commands.h"

namespace piivault::ops {
namespace {

using Vault = v1::VaultService::Stub;
using Strings = std::vector<std::string>;

template <typename Response>
int CodeFor(const Response& response) {
  int failed = 0;
  for (const auto& result : response.results()) failed += result.has_failure() ? 1 : 0;
  if (failed == 0) return kExitOk;
  return failed == response.results_size() ? kExitError : kExitPartial;
}

}  // namespace

void AddTokenCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "token", "Single values: tokens out, values back");

  auto tokenize = std::make_shared<v1::TokenizeRequest>();
  auto values = std::make_shared<Strings>();
  auto subject = std::make_shared<std::string>();
  CLI::App* command = AddCommand(
      *group, "tokenize", "Stores values of one field and shows a token for each", session,
      [tokenize, values, subject](Session& s) -> absl::StatusOr<int> {
        auto response =
            Ask(s, &Connection::vault, &Vault::Tokenize, *tokenize,
                Prepare<v1::TokenizeRequest>([values, subject](Session& inner, auto* r) {
                  r->set_parent(inner.tenant());
                  for (const std::string& argument : *values) {
                    absl::StatusOr<std::string> value = ReadValue(inner, argument);
                    if (!value.ok()) return value.status();
                    v1::TokenizeRequest::Item* item = r->add_items();
                    item->set_value(*value);
                    if (!subject->empty()) item->set_subject(SubjectName(inner, *subject));
                  }
                  return absl::OkStatus();
                }));
        if (!response.ok()) return response.status();
        s.render().List(*response, "results",
                        {{"TOKEN", "token"}, {"RECORD", "name"}, {"FAILURE", "failure.reason"}});
        return CodeFor(*response);
      });
  command->add_option("--type", *tokenize->mutable_type(), "Type of the policy")->required();
  command->add_option("--field", *tokenize->mutable_field(), "Field that the policy tokenizes")
      ->required();
  command->add_option("--subject", *subject, "Add to this person (a new one each)");
  command->add_option("VALUES", *values, "Values; @FILE or - for one from a file")->required();
  AddProvenance(*command, session, tokenize->mutable_provenance());
  AddUsage(*command, tokenize->mutable_usage());
  AddRequestId(*command, tokenize->mutable_request_id());

  auto reveal = std::make_shared<v1::DetokenizeRequest>();
  auto tokens = std::make_shared<Strings>();
  command = AddCommand(*group, "reveal", "Shows the values behind tokens, for a purpose", session,
                       [reveal, tokens](Session& s) -> absl::StatusOr<int> {
                         auto response =
                             Ask(s, &Connection::vault, &Vault::Detokenize, *reveal,
                                 Prepare<v1::DetokenizeRequest>([tokens](Session& inner, auto* r) {
                                   r->set_parent(inner.tenant());
                                   r->mutable_tokens()->Assign(tokens->begin(), tokens->end());
                                   return absl::OkStatus();
                                 }));
                         if (!response.ok()) return response.status();
                         s.render().List(*response, "results",
                                         {{"TOKEN", "token"},
                                          {"FIELD", "field"},
                                          {"VALUE", "value.value"},
                                          {"VIEW", "value.view"},
                                          {"FAILURE", "failure.reason"}});
                         return CodeFor(*response);
                       });
  command->add_option("TOKENS", *tokens, "Tokens, at most 1,000")->required();
  AddUsage(*command, reveal->mutable_usage());
}

}  // namespace piivault::ops
