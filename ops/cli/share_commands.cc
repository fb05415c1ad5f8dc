#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "ops/cli/arguments.h"
#include "ops/cli/commands.h"
#include "ops/cli/exit_code.h"
#include "ops/cli/json_writer.h"
#include "ops/cli/share_tools.h"
#include "ops/pki/files.h"
#include "vault/keys/signing_keys.h"
#include "vault/sharing/export_token.h"
#include "vault/text.h"

namespace piivault::ops {
namespace {

using vault::ExportClaims;

constexpr size_t kMaxKeyFile = size_t{64} << 10;

// Public keys by the footer of the tokens that they verify.
using PublicKeys = std::map<std::string, vault::Ed25519PublicKey, std::less<>>;

absl::Status NotKeys(const std::string& path) {
  return absl::InvalidArgumentError(absl::StrCat(
      path,
      ": not a file of the vault's public keys: one or more PEM blocks PUBLIC KEY with "
      "an Ed25519 key each, and nothing else"));
}

absl::StatusOr<PublicKeys> ReadPublicKeys(const std::string& path) {
  constexpr std::string_view kEnd = "-----END PUBLIC KEY-----\n";
  const absl::StatusOr<std::string> file = ReadFile(path, kMaxKeyFile);
  if (!file.ok()) return file.status();
  const std::string text = absl::StrReplaceAll(*file, {{"\r\n", "\n"}});
  std::string_view rest = text;
  PublicKeys keys;
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of('\n'), rest.size()));
    if (rest.empty()) break;
    const size_t end = rest.find(kEnd);
    if (end == std::string_view::npos) return NotKeys(path);
    auto key = vault::Ed25519PublicKey::FromPem(rest.substr(0, end + kEnd.size()));
    if (!key.has_value()) return NotKeys(path);
    std::string footer = vault::FooterOf(vault::KidOf(*key));
    keys.emplace(std::move(footer), *std::move(key));
    rest.remove_prefix(end + kEnd.size());
  }
  if (keys.empty()) return NotKeys(path);
  return keys;
}

std::string_view StateOf(const ExportClaims& claims, absl::Time now) {
  if (vault::InTime(claims, now)) return "in time";
  return now < claims.nbf ? "not valid yet" : "expired";
}

// All of it is of characters that do no harm to a terminal: claims have no others.
void Print(Session& session, const ExportClaims& claims, std::string_view kid) {
  session.out() << "signature: good, by key " << kid << "\npurpose: " << claims.purpose
                << "\nrecipient: " << claims.aud
                << "\nfields: " << absl::StrJoin(claims.fields, ", ")
                << "\nissued: " << vault::ClaimTime(claims.iat)
                << "\nvalid from: " << vault::ClaimTime(claims.nbf)
                << "\nvalid until: " << vault::ClaimTime(claims.exp)
                << "\nstate: " << StateOf(claims, session.now()) << "\nuses: " << claims.uses
                << "\ntoken: " << claims.jti.ToText() << "\nvault: " << claims.iss.ToText() << "\n";
}

void PrintJson(Session& session, const ExportClaims& claims, std::string_view kid) {
  JsonWriter json;
  json.BeginObject()
      .Member("key", kid)
      .Member("purpose", claims.purpose)
      .Member("recipient", claims.aud)
      .Member("fields", claims.fields)
      .Member("issued", vault::ClaimTime(claims.iat))
      .Member("valid_from", vault::ClaimTime(claims.nbf))
      .Member("valid_until", vault::ClaimTime(claims.exp));
  json.Key("expired").Bool(session.now() >= claims.exp);
  json.Member("state", StateOf(claims, session.now()));
  json.Key("uses").Number(static_cast<int64_t>(claims.uses));
  json.Member("token", claims.jti.ToText()).Member("vault", claims.iss.ToText()).EndObject();
  session.out() << json.text() << "\n";
}

struct InspectFlags {
  std::string key_file;
  std::string token = "-";
};

absl::StatusOr<int> Inspect(Session& session, const InspectFlags& flags) {
  const absl::StatusOr<PublicKeys> keys = ReadPublicKeys(flags.key_file);
  if (!keys.ok()) return keys.status();
  const absl::StatusOr<std::string> token = ReadExportToken(session, flags.token);
  if (!token.ok()) return token.status();
  const vault::Ed25519PublicKey* found = nullptr;
  const absl::StatusOr<ExportClaims> claims =
      vault::InspectExportToken(*token, [&](std::string_view footer) {
        const auto it = keys->find(footer);
        if (it != keys->end()) found = &it->second;
        return found;
      });
  if (!claims.ok()) {
    return absl::InvalidArgumentError(
        "none of these keys has signed this as an export token: nothing that it says can be relied "
        "on. Was it copied whole, and is the key newer than the file?");
  }
  const std::string kid = vault::KidOf(*found).ToText();
  if (session.json()) {
    PrintJson(session, *claims, kid);
  } else {
    Print(session, *claims, kid);
  }
  return kExitOk;
}

}  // namespace

void AddShareCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "share", "Data for third parties, by export tokens");
  AddShareRecipientCommands(*group, session);
  AddShareTokenCommands(*group, session);
  AddShareRedeemCommands(*group, session);
  AddShareLedgerCommands(*group, session);
  auto inspect = std::make_shared<InspectFlags>();
  CLI::App* command =
      AddCommand(*group, "inspect",
                 "Checks an export token's signature, without the vault, and shows what it is for",
                 session, [inspect](Session& s) { return Inspect(s, *inspect); });
  command
      ->add_option("--key", inspect->key_file,
                   "The vault's public signing keys: PEM blocks PUBLIC KEY, one or more")
      ->required()
      ->type_name("FILE");
  command->add_option("TOKEN", inspect->token, "The token, @FILE, or - for standard input")
      ->capture_default_str();
  command->footer(
      "Shown is what the vault has signed: purpose, recipient, fields, times and how often it can "
      "be\n"
      "used. `state` goes by this machine's clock. Whether uses are left, whether the token has "
      "been\n"
      "revoked, and what it gives today, only the vault knows. A token that none of the keys has\n"
      "signed is an error (1), and nothing of it is shown; one that has expired is not.");
}

}  // namespace piivault::ops
