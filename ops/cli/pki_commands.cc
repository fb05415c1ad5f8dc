#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ops/cli/arguments.h"
#include "ops/cli/commands.h"
#include "ops/cli/exit_code.h"
#include "ops/pki/certificate_authority.h"
#include "ops/pki/files.h"

namespace piivault::ops {
namespace {

// Clocks of servers and callers differ a little.
constexpr absl::Duration kBackdate = absl::Minutes(5);
constexpr size_t kMaxPem = size_t{1} << 20;

std::string CertificatePath(const std::string& dir, const std::string& name) {
  return absl::StrCat(dir, "/", name, ".crt");
}
std::string KeyPath(const std::string& dir, const std::string& name) {
  return absl::StrCat(dir, "/", name, ".key");
}

absl::StatusOr<CertificateAuthority> LoadAuthority(const std::string& dir) {
  absl::StatusOr<std::string> certificate = ReadFile(CertificatePath(dir, "ca"), kMaxPem);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadFile(KeyPath(dir, "ca"), kMaxPem);
  if (!key.ok()) return key.status();
  return CertificateAuthority::Load({*std::move(certificate), *std::move(key)});
}

absl::Status CheckName(const std::string& name) {
  if (name.empty() || name == "ca" || name.find('/') != std::string::npos || name.front() == '.') {
    return absl::InvalidArgumentError(
        "the name becomes a file's: no slash, no leading dot, not ca");
  }
  return absl::OkStatus();
}

absl::Status PrintIssued(Session& session, const std::string& dir, const std::string& name,
                         const CertifiedKey& issued) {
  absl::StatusOr<CertificateInfo> info = DescribeCertificate(issued.certificate_pem);
  if (!info.ok()) return info.status();
  session.out() << "certificate: " << CertificatePath(dir, name) << "\nkey: " << KeyPath(dir, name);
  for (const std::string& uri : info->uris) session.out() << "\nidentity: " << uri;
  for (const std::string& dns : info->dns) session.out() << "\nidentity: dns:" << dns;
  session.out() << "\nvalid until: "
                << absl::FormatTime(absl::RFC3339_sec, info->not_after, absl::UTCTimeZone())
                << "\nsha256: " << info->sha256 << "\n";
  return absl::OkStatus();
}

struct InitFlags {
  std::string dir;
  AuthorityRequest request;
  int days = 3650;
};

absl::StatusOr<int> Init(Session& session, InitFlags flags) {
  flags.request.not_before = session.now() - kBackdate;
  flags.request.not_after = session.now() + absl::Hours(24) * flags.days;
  absl::StatusOr<CertificateAuthority> authority = CertificateAuthority::Create(flags.request);
  if (!authority.ok()) return authority.status();
  absl::StatusOr<CertifiedKey> pem = authority->ToPem();
  if (!pem.ok()) return pem.status();
  absl::Status status = MakePrivateDirectory(flags.dir);
  // The key first: a certificate without its key is of no use, and neither is ever overwritten.
  if (status.ok()) status = WriteNewFile(KeyPath(flags.dir, "ca"), pem->key_pem, 0600);
  if (status.ok()) {
    status = WriteNewFile(CertificatePath(flags.dir, "ca"), pem->certificate_pem, 0644);
  }
  if (status.ok()) status = PrintIssued(session, flags.dir, "ca", *pem);
  if (!status.ok()) return status;
  return kExitOk;
}

struct IssueFlags {
  std::string dir;
  std::string name;
  LeafRequest request;
  int days = 90;
};

absl::StatusOr<int> Issue(Session& session, IssueFlags flags) {
  absl::Status status = CheckName(flags.name);
  if (!status.ok()) return status;
  absl::StatusOr<CertificateAuthority> authority = LoadAuthority(flags.dir);
  if (!authority.ok()) return authority.status();
  flags.request.common_name = flags.name;
  flags.request.not_before = session.now() - kBackdate;
  flags.request.not_after = session.now() + absl::Hours(24) * flags.days;
  absl::StatusOr<CertifiedKey> issued = authority->Issue(flags.request);
  if (!issued.ok()) return issued.status();
  status = WriteNewFile(KeyPath(flags.dir, flags.name), issued->key_pem, 0600);
  if (status.ok()) {
    status = WriteNewFile(CertificatePath(flags.dir, flags.name), issued->certificate_pem, 0644);
  }
  if (status.ok()) status = PrintIssued(session, flags.dir, flags.name, *issued);
  if (!status.ok()) return status;
  return kExitOk;
}

absl::StatusOr<int> Renew(Session& session, const std::string& dir, const std::string& name) {
  absl::Status status = CheckName(name);
  if (!status.ok()) return status;
  absl::StatusOr<CertificateAuthority> authority = LoadAuthority(dir);
  if (!authority.ok()) return authority.status();
  absl::StatusOr<std::string> old = ReadFile(CertificatePath(dir, name), kMaxPem);
  if (!old.ok()) return old.status();
  absl::StatusOr<CertifiedKey> issued = authority->Renew(*old, session.now() - kBackdate);
  if (!issued.ok()) return issued.status();
  status = WriteFile(KeyPath(dir, name), issued->key_pem, 0600);
  if (status.ok()) status = WriteFile(CertificatePath(dir, name), issued->certificate_pem, 0644);
  if (status.ok()) status = PrintIssued(session, dir, name, *issued);
  if (!status.ok()) return status;
  return kExitOk;
}

void AddDir(CLI::App& command, std::string* dir) {
  command.add_option("--dir", *dir, "Folder of the authority: ca.crt, ca.key and what it issues")
      ->required();
}

void AddDays(CLI::App& command, int* days) {
  command.add_option("--days", *days, "Days that it is valid")
      ->check(CLI::Range(1, 7300))
      ->capture_default_str();
}

}  // namespace

void AddPkiCommands(CLI::App& root, Session& session) {
  CLI::App* group =
      AddGroup(root, "pki", "A small certificate authority, for development and for who has none");
  auto init = std::make_shared<InitFlags>();
  CLI::App* command = AddCommand(*group, "init", "Makes an authority", session,
                                 [init](Session& s) { return Init(s, *init); });
  AddDir(*command, &init->dir);
  command->add_option("--name", init->request.common_name, "Name of the authority")->required();
  command->add_option("--trust-domain", init->request.trust_domain,
                      "The only domain its spiffe:// names may be in");
  AddDays(*command, &init->days);

  auto issue = std::make_shared<IssueFlags>();
  command = AddCommand(*group, "issue", "Issues a certificate with a fresh key", session,
                       [issue](Session& s) { return Issue(s, *issue); });
  AddDir(*command, &issue->dir);
  command->add_option("NAME", issue->name, "Name of the files: NAME.crt, NAME.key")->required();
  command->add_option("--uri", issue->request.uri, "Identity, spiffe://DOMAIN/PATH");
  command->add_option("--dns", issue->request.dns, "DNS name");
  command->add_option("--ip", issue->request.ips, "Address, for servers");
  command->add_flag("--server", issue->request.server, "For a server");
  AddDays(*command, &issue->days);

  auto renew = std::make_shared<std::pair<std::string, std::string>>();
  command = AddCommand(*group, "renew", "Replaces a certificate and its key, same names", session,
                       [renew](Session& s) { return Renew(s, renew->first, renew->second); });
  AddDir(*command, &renew->first);
  command->add_option("NAME", renew->second, "Name of the files")->required();
}

}  // namespace piivault::ops
