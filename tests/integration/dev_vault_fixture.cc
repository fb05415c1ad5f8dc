#include "tests/integration/dev_vault_fixture.h"

#include <google/protobuf/descriptor.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "ops/pki/certificate_authority.h"
#include "ops/server/daemon/starter_policy.h"

namespace piivault::integration {
namespace {

using google::protobuf::Message;

std::string MakeDirectory() {
  std::string path = (std::filesystem::temp_directory_path() / "piivault-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) std::abort();
  return path;
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, const std::string& ca_file,
                                           const ops::DevCredential& credential) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ReadFile(ca_file);
  if (!credential.key.empty()) {
    options.pem_private_key = ReadFile(credential.key);
    options.pem_cert_chain = ReadFile(credential.certificate);
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A window that does not grow: a stream that is not read stands still on the server too.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 65535);
  arguments.SetMaxReceiveMessageSize(64 << 20);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

void SetDeadline(absl::Duration timeout, grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout));
}

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

bool FromBuffer(const grpc::ByteBuffer& buffer, Message* message) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return false;
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return message->ParseFromString(bytes);
}

std::string CodeName(grpc::StatusCode code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

Outcome ToOutcome(const grpc::Status& status) {
  Outcome outcome;
  outcome.code = status.error_code();
  outcome.text = status.error_message() + status.error_details();
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  details.ParseFromString(status.error_details());
  for (const auto& detail : details.details()) {
    if (!detail.UnpackTo(&info)) continue;
    outcome.reason = info.reason();
    outcome.domain = info.domain();
    outcome.metadata.insert(info.metadata().begin(), info.metadata().end());
  }
  return outcome;
}

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  out->set_seconds(absl::ToUnixSeconds(time));
}

}  // namespace

std::string Outcome::ToString() const {
  if (ok()) return "OK";
  return absl::StrCat(CodeName(code), " ", reason.empty() ? "(no reason)" : reason);
}

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << outcome.ToString();
}

std::string PathOf(const Message& request) {
  const google::protobuf::Descriptor* type = request.GetDescriptor();
  const google::protobuf::ServiceDescriptor* service = type->file()->service(0);
  const std::string method = type->name().substr(0, type->name().size() - strlen("Request"));
  return absl::StrCat("/", service->full_name(), "/", method);
}

Stream::Stream(grpc::GenericStub& stub, const std::string& path, const Message& request,
               absl::Duration timeout) {
  SetDeadline(timeout, &context_);
  call_ = stub.PrepareCall(&context_, path, &queue_);
  call_->StartCall(this);
  if (!Await()) return;
  call_->WriteLast(ToBuffer(request.SerializeAsString()), grpc::WriteOptions(), this);
  Await();
}

Stream::~Stream() {
  context_.TryCancel();
  if (!finished_) Finish();
  queue_.Shutdown();
  while (Await()) {
  }
}

bool Stream::Await() {
  void* tag = nullptr;
  bool ok = false;
  return queue_.Next(&tag, &ok) && ok;
}

bool Stream::Read(Message* message) {
  grpc::ByteBuffer buffer;
  call_->Read(&buffer, this);
  return Await() && FromBuffer(buffer, message);
}

Outcome Stream::Finish() {
  grpc::Status status;
  call_->Finish(&status, this);
  Await();
  finished_ = true;
  return ToOutcome(status);
}

Client::Client(const std::string& address, const std::string& ca_file,
               const ops::DevCredential& credential)
    : stub_(MakeChannel(address, ca_file, credential)) {}

Outcome Client::Call(const Message& request, Message* response, absl::Duration timeout) {
  return CallRaw(PathOf(request), request.SerializeAsString(), response, timeout);
}

Outcome Client::CallRaw(const std::string& path, const std::string& request, Message* response,
                        absl::Duration timeout) {
  grpc::ClientContext context;
  SetDeadline(timeout, &context);
  // A queue of its own keeps everything the call writes on this thread: what a callback on one of
  // gRPC's threads wrote, the thread sanitizer could not tell from a race, as it does not see into
  // gRPC.
  grpc::CompletionQueue queue;
  const auto call = stub_.PrepareUnaryCall(&context, path, ToBuffer(request), &queue);
  grpc::ByteBuffer received;
  grpc::Status status;
  call->StartCall();
  call->Finish(&received, &status, nullptr);
  void* tag = nullptr;
  for (bool ok = false; queue.Next(&tag, &ok); queue.Shutdown()) {
  }
  if (status.ok() && response != nullptr && !FromBuffer(received, response)) {
    return ToOutcome(grpc::Status(grpc::StatusCode::INTERNAL, "the response does not parse"));
  }
  return ToOutcome(status);
}

std::vector<Outcome> Client::CallAtOnce(const Message& request, int calls, absl::Duration timeout) {
  return CallAtOnce(std::vector<const Message*>(static_cast<size_t>(calls), &request), timeout);
}

std::vector<Outcome> Client::CallAtOnce(const std::vector<const Message*>& requests,
                                        absl::Duration timeout) {
  struct Pending {
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    grpc::Status status;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  };
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<Pending>> pending;
  for (const Message* request : requests) {
    Pending& call = *pending.emplace_back(std::make_unique<Pending>());
    SetDeadline(timeout, &call.context);
    call.reader = stub_.PrepareUnaryCall(&call.context, PathOf(*request),
                                         ToBuffer(request->SerializeAsString()), &queue);
    call.reader->StartCall();
    call.reader->Finish(&call.response, &call.status, &call);
  }
  std::vector<Outcome> outcomes;
  void* tag = nullptr;
  for (bool ok = false; outcomes.size() < requests.size() && queue.Next(&tag, &ok);) {
    outcomes.push_back(ToOutcome(static_cast<Pending*>(tag)->status));
  }
  queue.Shutdown();
  for (bool ok = false; queue.Next(&tag, &ok);) {
  }
  return outcomes;
}

std::unique_ptr<Stream> Client::Open(const Message& request, absl::Duration timeout) {
  return std::make_unique<Stream>(stub_, PathOf(request), request, timeout);
}

DevVaultFixture::DevVaultFixture() : directory_(MakeDirectory()) {}

DevVaultFixture::~DevVaultFixture() {
  clients_.clear();
  vault_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void DevVaultFixture::Start(ops::ServerHooks hooks) {
  auto started = ops::DevVault::Start(directory_ + "/vault", "127.0.0.1:0", "", std::move(hooks));
  ASSERT_TRUE(started.ok()) << started.status();
  vault_ = *std::move(started);
  credentials_ = vault_->credentials();
}

Client& DevVaultFixture::As(const std::string& who) {
  std::unique_ptr<Client>& client = clients_[who];
  if (client == nullptr) {
    client = std::make_unique<Client>(vault_->address(), vault_->ca_file(), credentials_.at(who));
  }
  return *client;
}

void DevVaultFixture::AddCredential(const std::string& name, absl::Time not_before,
                                    absl::Time not_after) {
  const std::string pki = directory_ + "/vault/pki/";
  auto authority =
      ops::CertificateAuthority::Load({ReadFile(pki + "ca.pem"), ReadFile(pki + "ca.key")});
  ASSERT_TRUE(authority.ok()) << authority.status();
  ops::LeafRequest leaf;
  leaf.common_name = name;
  leaf.uri = absl::StrCat("spiffe://vault.example/", name);
  leaf.not_before = not_before;
  leaf.not_after = not_after;
  const auto pair = authority->Issue(leaf);
  ASSERT_TRUE(pair.ok()) << pair.status();
  const ops::DevCredential files{pki + name + ".pem", pki + name + ".key"};
  WriteFile(files.certificate, pair->certificate_pem);
  WriteFile(files.key, pair->key_pem);
  credentials_[name] = files;
}

void DevVaultFixture::RegisterWithoutRole(const std::string& name, v1::PrincipalKind kind,
                                          const std::string& tenant) {
  v1::CreatePersonRequest person;
  person.mutable_person()->set_name("persons/" + name);
  person.mutable_person()->set_display_name(name);
  person.mutable_person()->set_employment(v1::EMPLOYMENT_FULL_TIME);
  Must<v1::CreatePersonResponse>("admin-1", person);
  v1::CreatePrincipalRequest principal;
  principal.mutable_principal()->set_name("principals/" + name);
  principal.mutable_principal()->set_kind(kind);
  principal.mutable_principal()->set_person("persons/" + name);
  if (kind == v1::PRINCIPAL_KIND_TENANT) principal.mutable_principal()->set_tenant(tenant);
  principal.mutable_principal()->add_identities()->set_uri("spiffe://vault.example/" + name);
  Must<v1::CreatePrincipalResponse>("admin-1", principal);
}

uint64_t DevVaultFixture::Register(const std::string& name, v1::PrincipalKind kind,
                                   const std::string& role, const std::string& tenant) {
  AddCredential(name, absl::Now() - absl::Minutes(1), absl::Now() + absl::Hours(24));
  RegisterWithoutRole(name, kind, tenant);
  return role.empty() ? 0 : Agree(GrantRole("principals/" + name, role, tenant));
}

uint64_t DevVaultFixture::Agree(const v1::Proposal& proposal) {
  v1::CreateProposalRequest request;
  *request.mutable_proposal() = proposal;
  const auto proposed = Must<v1::CreateProposalResponse>("admin-1", request);
  v1::ApproveProposalRequest approval;
  approval.set_name(proposed.proposal().name());
  approval.set_sha256(proposed.proposal().sha256());
  return Must<v1::ApproveProposalResponse>("admin-2", approval).receipt().index();
}

v1::Proposal DevVaultFixture::GrantRole(const std::string& principal, const std::string& role,
                                        const std::string& tenant) {
  v1::Proposal proposal;
  proposal.mutable_grant_role()->set_principal(principal);
  proposal.mutable_grant_role()->mutable_binding()->set_role(role);
  proposal.mutable_grant_role()->mutable_binding()->set_tenant(tenant);
  return proposal;
}

uint64_t DevVaultFixture::Activate(const std::string& sha256, const std::string& tenant) {
  v1::Proposal proposal;
  proposal.mutable_activate_policy()->set_tenant(tenant);
  proposal.mutable_activate_policy()->set_policy_sha256(sha256);
  return Agree(proposal);
}

std::string DevVaultFixture::LoadPolicy(const std::string& yaml) {
  v1::CreatePolicyRequest request;
  request.set_yaml(yaml);
  const auto created = Must<v1::CreatePolicyResponse>("admin-1", request);
  return created.policy().name().substr(strlen("policies/"));
}

v1::RecordAttestationResponse DevVaultFixture::RecordNda(const std::string& person,
                                                         absl::Time valid_until) {
  v1::RecordAttestationRequest request;
  request.set_person(person);
  v1::Attestation* nda = request.mutable_attestation();
  nda->set_kind("nda_contract");
  nda->set_document_sha256(std::string(64, '1'));
  nda->set_signatory(person);
  SetTime(absl::Now() - absl::Hours(24 * 400) + absl::Minutes(++ndas_), nda->mutable_signed_at());
  SetTime(valid_until, nda->mutable_valid_until());
  return Must<v1::RecordAttestationResponse>("admin-1", request);
}

v1::CreateRecordResponse DevVaultFixture::NewCustomer(
    const std::map<std::string, std::string>& fields) {
  std::map<std::string, std::string> all = {{"name", "山田 花子"}};
  all.insert(fields.begin(), fields.end());
  return Must<v1::CreateRecordResponse>("shop", CreateRequest(all));
}

int DevVaultFixture::CountRecords() {
  v1::ListRecordsRequest request;
  request.set_parent(kTenant);
  request.set_type("customer");
  request.set_page_size(1000);
  int count = 0;
  do {
    const auto page = Must<v1::ListRecordsResponse>("shop", request);
    count += page.records_size();
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return count;
}

std::vector<v1::Entry> DevVaultFixture::ReadLog() {
  v1::ListEntriesRequest request;
  request.set_page_size(1000);
  std::vector<v1::Entry> entries;
  do {
    auto page = Must<v1::ListEntriesResponse>("auditor", request);
    for (v1::Entry& entry : *page.mutable_entries()) entries.push_back(std::move(entry));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return entries;
}

v1::Usage DevVaultFixture::UsageFor(const std::string& purpose, const std::string& ticket) {
  v1::Usage usage;
  usage.set_purpose(purpose);
  usage.set_ticket(ticket);
  return usage;
}

v1::CreateRecordRequest DevVaultFixture::CreateRequest(
    const std::map<std::string, std::string>& fields) {
  v1::CreateRecordRequest request;
  request.set_parent(kTenant);
  request.mutable_record()->set_type("customer");
  for (const auto& [name, value] : fields) {
    (*request.mutable_record()->mutable_fields())[name] = value;
  }
  *request.mutable_usage() = UsageFor("order");
  return request;
}

v1::RevealRecordRequest DevVaultFixture::RevealRequest(const std::string& name,
                                                       const std::vector<std::string>& fields) {
  v1::RevealRecordRequest request;
  request.set_name(name);
  for (const std::string& field : fields) request.add_fields(field);
  *request.mutable_usage() = UsageFor("technical_work", "T-1");
  return request;
}

}  // namespace piivault::integration
