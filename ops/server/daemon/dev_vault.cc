#include "ops/server/daemon/dev_vault.h"

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "ops/cli/connection.h"
#include "ops/pki/certificate_authority.h"
#include "ops/pki/files.h"
#include "ops/server/daemon/starter_policy.h"
#include "ops/server/initialize.h"
#include "vault/crypto/random.h"

namespace piivault::ops {
namespace {

constexpr char kTrustDomain[] = "vault.example";
constexpr char kRecipientsDomain[] = "partners.example";
constexpr char kCarrier[] = "carrier";
constexpr char kTenant[] = "tenants/default";
constexpr absl::Duration kLifetime = absl::Hours(24 * 30);
constexpr absl::Duration kCallTimeout = absl::Seconds(20);

// A caller to set up. An empty `role` is one that `init` makes or that nobody registers.
struct Caller {
  const char* name;
  v1::PrincipalKind kind = v1::PRINCIPAL_KIND_STAFF;
  v1::Employment employment = v1::EMPLOYMENT_FULL_TIME;
  const char* role = "";
  bool system_role = false;
  // Days from now until the NDA's end; 0: none.
  int nda_days = 0;
};

constexpr std::array<Caller, 12> kCallers = {{
    {.name = "admin-1"},
    {.name = "admin-2"},
    {.name = "stranger"},
    {.name = "auditor", .role = "vault_auditor", .system_role = true},
    {.name = "operator", .role = "vault_operator", .system_role = true},
    {.name = "shop", .kind = v1::PRINCIPAL_KIND_SERVICE, .role = "shop"},
    {.name = "tenant", .kind = v1::PRINCIPAL_KIND_TENANT, .role = "tenant"},
    {.name = "support", .role = "support", .nda_days = 365},
    {.name = "engineer", .role = "engineer", .nda_days = 365},
    {.name = "engineer-no-nda", .role = "engineer"},
    {.name = "engineer-expired-nda", .role = "engineer", .nda_days = -1},
    {.name = "engineer-outsourced", .role = "engineer", .nda_days = 365},
}};

std::string Identity(const std::string& name) {
  return absl::StrCat("spiffe://", kTrustDomain, "/", name);
}

std::string CarrierIdentity() {
  return absl::StrCat("spiffe://", kRecipientsDomain, "/", kCarrier);
}

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  out->set_seconds(absl::ToUnixSeconds(time));
}

// The two administrators' connections, and what they do with them.
class SetUpVault {
 public:
  SetUpVault(Connection& first, Connection& second) : first_(first), second_(second) {}

  absl::Status ActivatePolicy() {
    v1::CreatePolicyRequest request;
    request.set_yaml(kStarterPolicy);
    const auto created =
        first_.Call(first_.admin(), &v1::AdminService::Stub::CreatePolicy, request);
    if (!created.ok()) return created.status();
    v1::Proposal proposal;
    proposal.mutable_activate_policy()->set_tenant(kTenant);
    const std::string& name = created->policy().name();
    proposal.mutable_activate_policy()->set_policy_sha256(name.substr(name.find('/') + 1));
    return Agree(proposal);
  }

  absl::Status Register(const Caller& caller) {
    const std::string person = absl::StrCat("persons/", caller.name);
    if (absl::Status s = MakePerson(caller, person); !s.ok()) return s;
    if (caller.nda_days != 0) {
      if (absl::Status s = Attest(caller, person); !s.ok()) return s;
    }
    v1::CreatePrincipalRequest request;
    v1::Principal* principal = request.mutable_principal();
    principal->set_name(absl::StrCat("principals/", caller.name));
    principal->set_kind(caller.kind);
    principal->set_person(person);
    if (caller.kind == v1::PRINCIPAL_KIND_TENANT) principal->set_tenant(kTenant);
    principal->add_identities()->set_uri(Identity(caller.name));
    auto made = first_.Call(first_.admin(), &v1::AdminService::Stub::CreatePrincipal, request);
    if (!made.ok()) return made.status();
    v1::Proposal proposal;
    proposal.mutable_grant_role()->set_principal(principal->name());
    v1::RoleBinding* binding = proposal.mutable_grant_role()->mutable_binding();
    binding->set_role(caller.role);
    if (!caller.system_role) binding->set_tenant(kTenant);
    return Agree(proposal);
  }

  absl::Status RegisterCarrier() {
    v1::RegisterRecipientRequest request;
    request.mutable_recipient()->set_name(absl::StrCat(kTenant, "/recipients/", kCarrier));
    request.mutable_recipient()->set_display_name("Example Carrier");
    request.mutable_recipient()->set_category("carrier");
    request.mutable_recipient()->set_country("JP");
    request.add_identities(CarrierIdentity());
    return first_.Call(first_.sharing(), &v1::SharingService::Stub::RegisterRecipient, request)
        .status();
  }

  // Employment changes after the role was given, as it does in life: a role cannot be given to
  // somebody outsourced.
  absl::Status Outsource(const std::string& name) {
    v1::UpdatePersonRequest request;
    request.mutable_person()->set_name(absl::StrCat("persons/", name));
    request.mutable_person()->set_display_name(name);
    request.mutable_person()->set_employment(v1::EMPLOYMENT_OUTSOURCED);
    return first_.Call(first_.admin(), &v1::AdminService::Stub::UpdatePerson, request).status();
  }

 private:
  absl::Status MakePerson(const Caller& caller, const std::string& name) {
    v1::CreatePersonRequest request;
    request.mutable_person()->set_name(name);
    request.mutable_person()->set_display_name(caller.name);
    request.mutable_person()->set_employment(caller.employment);
    return first_.Call(first_.admin(), &v1::AdminService::Stub::CreatePerson, request).status();
  }

  absl::Status Attest(const Caller& caller, const std::string& person) {
    v1::RecordAttestationRequest request;
    request.set_person(person);
    v1::Attestation* nda = request.mutable_attestation();
    nda->set_kind("nda_contract");
    nda->set_document_sha256(std::string(64, '0'));
    nda->set_signatory(person);
    const absl::Time now = absl::Now();
    SetTime(now - absl::Hours(24 * 365), nda->mutable_signed_at());
    SetTime(now + absl::Hours(24) * caller.nda_days, nda->mutable_valid_until());
    return first_.Call(first_.admin(), &v1::AdminService::Stub::RecordAttestation, request)
        .status();
  }

  // Proposed by the first administrator, approved by the second.
  absl::Status Agree(const v1::Proposal& proposal) {
    v1::CreateProposalRequest request;
    *request.mutable_proposal() = proposal;
    const auto proposed =
        first_.Call(first_.admin(), &v1::AdminService::Stub::CreateProposal, request);
    if (!proposed.ok()) return proposed.status();
    v1::ApproveProposalRequest approval;
    approval.set_name(proposed->proposal().name());
    approval.set_sha256(proposed->proposal().sha256());
    return second_.Call(second_.admin(), &v1::AdminService::Stub::ApproveProposal, approval)
        .status();
  }

  Connection& first_;
  Connection& second_;
};

absl::Status WritePair(const CertifiedKey& pair, const DevCredential& files) {
  absl::Status status = WriteNewFile(files.certificate, pair.certificate_pem, 0644);
  if (status.ok()) status = WriteNewFile(files.key, pair.key_pem, 0600);
  return status;
}

absl::StatusOr<CertificateAuthority> MakeAuthority(const AuthorityRequest& request,
                                                   const DevCredential& files) {
  auto authority = CertificateAuthority::Create(request);
  if (!authority.ok()) return authority.status();
  const absl::StatusOr<CertifiedKey> root = authority->ToPem();
  if (!root.ok()) return root.status();
  if (absl::Status s = WritePair(*root, files); !s.ok()) return s;
  return authority;
}

std::string JsonText(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

absl::Status DevVault::MakeCredential(const CertificateAuthority& authority, LeafRequest leaf,
                                      const std::string& directory, const std::string& name) {
  leaf.common_name = name;
  const absl::StatusOr<CertifiedKey> pair = authority.Issue(leaf);
  if (!pair.ok()) return pair.status();
  const std::string base = absl::StrCat(directory, "/", name);
  const DevCredential files{base + ".pem", base + ".key"};
  if (absl::Status s = WritePair(*pair, files); !s.ok()) return s;
  credentials_[name] = files;
  return absl::OkStatus();
}

absl::Status DevVault::MakeCredentials(const std::string& directory) {
  const std::string pki = directory + "/pki";
  if (absl::Status s = MakePrivateDirectory(pki); !s.ok()) return s;
  const absl::Time from = absl::Now() - absl::Minutes(5);
  const absl::Time to = from + kLifetime;
  ca_file_ = pki + "/ca.pem";
  const std::string recipients_ca = pki + "/recipients-ca.pem";
  auto authority =
      MakeAuthority({"piivault development", "", from, to}, {ca_file_, pki + "/ca.key"});
  if (!authority.ok()) return authority.status();
  auto recipients = MakeAuthority({"piivault recipients", kRecipientsDomain, from, to},
                                  {recipients_ca, pki + "/recipients-ca.key"});
  if (!recipients.ok()) return recipients.status();

  LeafRequest server;
  server.common_name = "piivaultd";
  server.dns = {"localhost"};
  server.ips = {"127.0.0.1", "::1"};
  server.server = true;
  server.not_before = from;
  server.not_after = to;
  const absl::StatusOr<CertifiedKey> pair = authority->Issue(server);
  if (!pair.ok()) return pair.status();
  config_.tls.certificate = pki + "/server.pem";
  config_.tls.key = pki + "/server.key";
  if (absl::Status s = WritePair(*pair, {config_.tls.certificate, config_.tls.key}); !s.ok()) {
    return s;
  }
  config_.tls.client_roots = {
      {"development", ca_file_, {absl::StrCat("spiffe://", kTrustDomain, "/*")}},
      {"recipients", recipients_ca, {absl::StrCat("spiffe://", kRecipientsDomain, "/*")}, true}};

  LeafRequest leaf;
  leaf.not_before = from;
  leaf.not_after = to;
  for (const Caller& caller : kCallers) {
    leaf.uri = Identity(caller.name);
    if (absl::Status s = MakeCredential(*authority, leaf, pki, caller.name); !s.ok()) return s;
  }
  leaf.uri = CarrierIdentity();
  return MakeCredential(*recipients, leaf, pki, kCarrier);
}

absl::Status DevVault::SetUp() {
  std::vector<std::unique_ptr<Connection>> connections;
  for (const char* name : {"admin-1", "admin-2"}) {
    Profile profile;
    profile.address = address();
    profile.ca = ca_file_;
    profile.certificate = credentials_.at(name).certificate;
    profile.key = credentials_.at(name).key;
    auto connection = Connection::Open(profile, kCallTimeout);
    if (!connection.ok()) return connection.status();
    connections.push_back(*std::move(connection));
  }
  SetUpVault set_up(*connections[0], *connections[1]);
  if (absl::Status s = set_up.ActivatePolicy(); !s.ok()) return s;
  for (const Caller& caller : kCallers) {
    if (*caller.role == '\0') continue;
    const absl::Status status = set_up.Register(caller);
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat(caller.name, ": ", std::string(status.message())));
    }
  }
  if (absl::Status s = set_up.RegisterCarrier(); !s.ok()) return s;
  return set_up.Outsource("engineer-outsourced");
}

absl::StatusOr<std::unique_ptr<DevVault>> DevVault::Start(const std::string& directory,
                                                          const std::string& address,
                                                          const std::string& metrics_address,
                                                          const ServerHooks& hooks) {
  auto vault = std::unique_ptr<DevVault>(new DevVault);
  Config& config = vault->config_;
  config.data_dir = directory + "/data";
  config.keyring.path = directory + "/keys/keyring";
  config.keyring.mirrors = {directory + "/keys-mirror/keyring"};
  config.keyring.credential_file = directory + "/keys/credential";
  config.listen.address = address;
  config.metrics.address = metrics_address;
  config.reflection = true;
  if (absl::Status s = MakePrivateDirectory(directory + "/keys"); !s.ok()) return s;
  const vault::SecretBytes credential = vault::SystemRandom().Bytes(32);
  absl::Status status = WriteNewFile(config.keyring.credential_file, credential.view(), 0600);
  if (!status.ok()) return status;
  if (absl::Status s = vault->MakeCredentials(directory); !s.ok()) return s;

  vault::InitializeOptions options;
  for (const char* name : {"admin-1", "admin-2"}) {
    options.administrators.push_back(
        {.principal = name, .person = name, .display_name = name, .identity = Identity(name)});
  }
  // The credential is random, so stretching it would only cost time.
  const absl::StatusOr<vault::SecretBytes> recovery =
      InitializeVaultAt(config, options, absl::Now(), {.n = 1 << 10, .r = 8, .p = 1});
  if (!recovery.ok()) return recovery.status();
  auto server = VaultServer::Start(config, hooks);
  if (!server.ok()) return server.status();
  vault->server_ = *std::move(server);
  if (absl::Status s = vault->SetUp(); !s.ok()) return s;
  status = WriteNewFile(directory + "/config.yaml", ToYaml(config), 0600);
  if (!status.ok()) return status;
  return vault;
}

std::string DevVault::address() const { return absl::StrCat("127.0.0.1:", server_->port()); }

std::string DevVault::Describe() const {
  std::string out = absl::StrCat("{\"address\":", JsonText(address()));
  if (server_->metrics_port() != 0) {
    absl::StrAppend(&out,
                    ",\"metrics\":", JsonText(absl::StrCat("127.0.0.1:", server_->metrics_port())));
  }
  absl::StrAppend(&out, ",\"ca\":", JsonText(ca_file_), ",\"tenant\":", JsonText(kTenant),
                  ",\"policy\":\"starter\",\"credentials\":{");
  const char* separator = "";
  for (const auto& [name, files] : credentials_) {
    absl::StrAppend(&out, separator, JsonText(name),
                    ":{\"certificate\":", JsonText(files.certificate),
                    ",\"key\":", JsonText(files.key), "}");
    separator = ",";
  }
  return out + "}}";
}

}  // namespace piivault::ops
