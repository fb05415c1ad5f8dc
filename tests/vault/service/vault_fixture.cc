#include "tests/vault/service/vault_fixture.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "piivault/storage/v1/state.pb.h"
#include "piivault/v1/admin_service.pb.h"
#include "storage/commit_and_wait.h"
#include "vault/audit/entry_builder.h"
#include "vault/retention/retention_sweeper.h"
#include "vault/service/credential_service.h"
#include "vault/service/retention_service.h"
#include "vault/service/rights_service.h"
#include "vault/service/sharing_service.h"
#include "vault/service/subject_service.h"
#include "vault/state/initialize.h"
#include "vault/state/vault_keys.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

constexpr std::string_view kPolicy = R"(policy: test
timezone: Asia/Tokyo
types:
  customer:
    fields:
      name: {type: person_name, index: true}
      email: {type: email_address, unique: true, index: domain, validation: accept_and_flag}
      phone: {type: phone_number, index: true, token: deterministic, audience: crm}
      birth_date: birth_date
      note: free_text
      secret: {type: submission_credential, read: never}
  mail:
    controller: tenant
    fields:
      body: {type: mail_body, class: comm_secret}
purposes:
  order: {label: {en: Orders}}
  technical_work: {label: {en: Mending}, needs: [ticket]}
  support: {label: {en: Support}}
  own_list: {label: {en: The tenant's own}}
roles:
  shop: {kind: service}
  engineer: {kind: staff, employment: [full_time, contract], nda: [nda_contract]}
  helper: {kind: staff, nda: none}
  owner: {kind: tenant}
forbidden_employment: [outsourced]
prohibited_types: [card_number, card_expiry, card_cvv]
groups:
  open: [customer.name, customer.email, customer.phone, customer.birth_date, customer.note]
grants:
  - {id: shop-write, role: shop, may: [create, update, tokenize], fields: [customer.*], for: [order]}
  - {id: shop-read, role: shop, may: [reveal, detokenize], fields: [open], for: [order]}
  - {id: shop-find, role: shop, may: [lookup, search], fields: [customer.name, customer.email, customer.phone], for: [order]}
  - {id: shop-tidy, role: shop, may: [delete, list, read_subject, delete_subject], types: [customer]}
  - {id: shop-mail, role: shop, may: [create], fields: [mail.body], for: [order]}
  - {id: engineer-work, role: engineer, may: [reveal, update], fields: [open], for: [technical_work]}
  - {id: helper-find, role: helper, may: [lookup, search], fields: [customer.phone], for: [support]}
  - {id: helper-name, role: helper, may: [reveal, detokenize], fields: [customer.name], for: [support]}
  - {id: helper-hint, role: helper, may: [reveal, detokenize], fields: [customer.phone, customer.birth_date], for: [support], view: masked}
  - {id: helper-token, role: helper, may: [reveal], fields: [customer.email], for: [support], view: token}
  - {id: owner-all, role: owner, may: [create, reveal, update, search, download], fields: [customer.*, mail.*], for: [own_list]}
)";

[[noreturn]] void Die(const char* what, const absl::Status& status) {
  std::fprintf(stderr, "%s: %s\n", what, std::string(status.message()).c_str());
  std::abort();
}

template <typename T>
T Must(absl::StatusOr<T> value, const char* what) {
  if (!value.ok()) Die(what, value.status());
  return *std::move(value);
}

std::string IdentityOf(std::string_view principal) { return Concat({"spiffe://test/", principal}); }

}  // namespace

v1::Usage UsageFor(std::string_view principal) {
  v1::Usage usage;
  if (principal == "engineer" || principal == "late" || principal == "outsider") {
    usage.set_purpose("technical_work");
    usage.set_ticket("T-1");
  } else if (principal == "helper") {
    usage.set_purpose("support");
  } else if (principal == "intake") {
    usage.set_purpose("self_service");
  } else if (principal == "mailer") {
    usage.set_purpose("mail_delivery");
  } else if (principal == "publisher" || principal == "owner" || principal == "other-owner") {
    usage.set_purpose("own_list");
  } else {
    usage.set_purpose("order");
  }
  return usage;
}

VaultFixture::VaultFixture() {
  storage::EngineOptions options;
  options.now = [this] { return now; };
  engine_ = std::make_unique<fakes::MemoryEngine>(std::move(options));
  RandomSource& random = SystemRandom();
  keyring_ = Must(Keyring::Create({folder_.File("keyring"), {}}, random.Id128(), TestPassphrase(),
                                  kCheapScrypt, now, random),
                  "keyring");
  InitializeOptions initialize;
  initialize.administrators = {{"admin-a", "person-a", "A", 2, "spiffe://test/admin-a"},
                               {"admin-b", "person-b", "B", 2, "spiffe://test/admin-b"}};
  absl::Status made = InitializeVault(*engine_, *keyring_, initialize, now, random);
  if (!made.ok()) Die("initialize", made);
  hierarchy_ = Must(OpenKeyHierarchy(*engine_, *keyring_), "hierarchy");
  store_ = Must(StateStore::Load(*engine_, *hierarchy_, random), "state");
  rules_ = Must(ValueRules::Create(), "rules");
  unique_ = std::make_unique<UniqueCells>(random);
  MakeState();
  deps_.emplace(VaultDependencies{*engine_, *store_, *rules_, *unique_, budgets_, random,
                                  [this] { ++erasures_pending_; }, [this] { ++stray_rows; }});
  deps_->credential_tried = [this](std::string_view outcome) {
    credentials_tried.emplace_back(outcome);
  };
  deps_->credential_cost = kCheapScrypt;
  deps_->vouched = [this] { return std::min(now, vouched); };
  absl::Status added = methods_.AddService("piivault.v1.VaultService");
  if (added.ok()) added = RegisterVaultService(*deps_, &methods_);
  if (added.ok()) added = methods_.AddService("piivault.v1.SubjectService");
  if (added.ok()) added = RegisterSubjectService(*deps_, &methods_);
  if (added.ok()) added = methods_.AddService("piivault.v1.SubjectRightsService");
  if (added.ok()) added = RegisterRightsService(*deps_, &methods_);
  if (added.ok()) added = methods_.AddService("piivault.v1.RetentionService");
  if (added.ok()) added = RegisterRetentionService(*deps_, &methods_);
  if (added.ok()) added = methods_.AddService("piivault.v1.CredentialService");
  if (added.ok()) added = RegisterCredentialService(*deps_, &methods_);
  if (added.ok()) added = methods_.AddService("piivault.v1.SharingService");
  if (added.ok()) added = RegisterExports(*deps_, &methods_);
  if (!added.ok()) Die("methods", added);
}

VaultFixture::~VaultFixture() { engine_->Shutdown(); }

void VaultFixture::CommitChange(StateChange change) {
  auto commit = std::make_unique<storage::Commit>();
  commit->as_of = engine_->AppliedSequence();
  commit->decided_at = now;
  change.MoveTo(commit.get());
  const auto position = storage::CommitOrError(*engine_, std::move(commit));
  if (!position.ok()) Die("commit", position.status());
}

void VaultFixture::Put(const std::function<void(StateChange&)>& change) {
  StateChange made = store_->NewChange(store_->snapshot());
  change(made);
  CommitChange(std::move(made));
}

void VaultFixture::SetPolicy(std::string_view tenant, std::string_view yaml,
                             std::string_view values) {
  authz::PolicyText text;
  text.yaml = yaml;
  text.values_yaml = values;
  const auto policy = Must(authz::Policy::Load(text), "policy");
  StateChange change = store_->NewChange(store_->snapshot());
  storage::v1::PolicyRow row;
  row.set_yaml(text.yaml);
  row.set_values_yaml(text.values_yaml);
  change.PutPolicy(policy->hash_hex(), row, policy);
  CommitChange(std::move(change));
  StateChange activate = store_->NewChange(store_->snapshot());
  storage::v1::TenantRow tenant_row = store_->snapshot()->FindTenant(tenant)->row;
  tenant_row.set_policy_sha256(policy->hash());
  activate.PutTenant(tenant_row);
  CommitChange(std::move(activate));
}

void VaultFixture::PutPrincipal(StateChange& change, std::string_view name, int kind,
                                std::string_view person, std::string_view tenant,
                                std::vector<std::string> roles, std::string_view role_tenant) {
  storage::v1::PrincipalRow row;
  row.set_name(std::string(name));
  row.set_kind(kind);
  row.set_person(std::string(person));
  row.set_tenant(std::string(tenant));
  row.add_identities()->set_uri(IdentityOf(name));
  for (const std::string& role : roles) {
    storage::v1::RoleBindingRow& binding = *row.add_bindings();
    binding.set_role(role);
    binding.set_tenant(std::string(role_tenant));
  }
  change.PutPrincipal(row);
}

void VaultFixture::MakeState() {
  {
    StateChange change = store_->NewChange(store_->snapshot());
    storage::v1::TenantRow other;
    other.set_id(0x1122334455667788);
    other.set_name("other");
    change.PutTenant(other);
    change.PutTenantKey(
        Must(hierarchy_->MakeTenantKey(other.id(), 1, SystemRandom()), "tenant key"));
    const auto person = [&](std::string_view name, int employment, absl::Duration nda_left) {
      storage::v1::PersonRow row;
      row.set_name(std::string(name));
      row.set_employment(employment);
      storage::v1::AttestationRow& nda = *row.add_attestations();
      nda.set_id(SystemRandom().Id128().ToText());
      nda.set_kind("nda_contract");
      nda.set_document_sha256(std::string(32, 'd'));
      nda.set_signatory(row.name());
      nda.set_signed_micros(absl::ToUnixMicros(now - absl::Hours(24 * 300)));
      nda.set_valid_until_micros(absl::ToUnixMicros(now + nda_left));
      change.PutPerson(row);
    };
    person("ito", v1::EMPLOYMENT_FULL_TIME, absl::Hours(24 * 60));
    person("late", v1::EMPLOYMENT_FULL_TIME, -absl::Hours(1));
    person("outsider", v1::EMPLOYMENT_OUTSOURCED, absl::Hours(24 * 60));
    person("helper", v1::EMPLOYMENT_PART_TIME, -absl::Hours(1));
    PutPrincipal(change, "shop", v1::PRINCIPAL_KIND_SERVICE, "", "", {"shop"}, "default");
    PutPrincipal(change, "other-shop", v1::PRINCIPAL_KIND_SERVICE, "", "", {"shop"}, "other");
    PutPrincipal(change, "engineer", v1::PRINCIPAL_KIND_STAFF, "ito", "", {"engineer"}, "default");
    PutPrincipal(change, "late", v1::PRINCIPAL_KIND_STAFF, "late", "", {"engineer"}, "default");
    PutPrincipal(change, "outsider", v1::PRINCIPAL_KIND_STAFF, "outsider", "", {"engineer"},
                 "default");
    PutPrincipal(change, "helper", v1::PRINCIPAL_KIND_STAFF, "helper", "", {"helper"}, "default");
    PutPrincipal(change, "owner", v1::PRINCIPAL_KIND_TENANT, "", "default", {"owner"}, "default");
    PutPrincipal(change, "other-owner", v1::PRINCIPAL_KIND_TENANT, "", "other", {"owner"}, "other");
    PutPrincipal(change, "intake", v1::PRINCIPAL_KIND_SERVICE, "", "", {"intake"}, "default");
    PutPrincipal(change, "mailer", v1::PRINCIPAL_KIND_SERVICE, "", "", {"mailer"}, "default");
    PutPrincipal(change, "publisher", v1::PRINCIPAL_KIND_TENANT, "", "default", {"publisher"},
                 "default");
    PutPrincipal(change, "nobody", v1::PRINCIPAL_KIND_SERVICE, "", "", {}, "");
    CommitChange(std::move(change));
  }
  SetPolicy("default", kPolicy);
  SetPolicy("other", kPolicy);
}

EpochRotation::Parts VaultFixture::RotationParts(RandomSource& random) {
  return {*engine_,
          *keyring_,
          *hierarchy_,
          *store_,
          *rules_,
          random,
          [this] { return now; },
          [this](const storage::Key& row) { damaged.push_back(row); }};
}

void VaultFixture::Rotate(RandomSource& random) {
  rotation_ = std::make_unique<EpochRotation>(RotationParts(random));
  const absl::Status begun = rotation_->Begin();
  if (!begun.ok()) Die("rotation", begun);
}

void VaultFixture::ReWrapAll() {
  while (Must(rotation_->Step(), "rotation")) {
  }
}

IndexBuilder VaultFixture::NewIndexBuilder() {
  return IndexBuilder({*engine_, *store_, *rules_, SystemRandom(), [this] { return now; },
                       [this](const storage::Key& row) { damaged.push_back(row); }});
}

void VaultFixture::BuildIndexes() {
  IndexBuilder builder = NewIndexBuilder();
  while (Must(builder.Step(), "indexes")) {
  }
}

ErasureWorker VaultFixture::NewErasureWorker(ErasureWorker::Report report) {
  return ErasureWorker(
      *engine_, *store_, *rules_, *unique_, SystemRandom(), [this] { return now; },
      std::move(report));
}

uint64_t VaultFixture::Sweep(uint64_t* waiting) {
  RetentionSweeper sweeper({.engine = *engine_,
                            .store = *store_,
                            .rules = *rules_,
                            .unique = *unique_,
                            .random = SystemRandom(),
                            .now = deps_->vouched,
                            .damaged = [this](const storage::Key& key) { damaged.push_back(key); },
                            .step_records = 3});
  for (;;) {
    const absl::StatusOr<bool> more = sweeper.Step();
    if (!more.ok()) Die("sweep", more.status());
    if (!*more) break;
  }
  if (waiting != nullptr) *waiting = sweeper.waiting();
  return sweeper.destroyed();
}

storage::TenantId VaultFixture::TenantNumber(const std::string& tenant) {
  return store_->snapshot()->FindTenant(tenant)->id;
}

VaultFixture::Open::Open(VaultFixture& fixture, std::string_view principal, std::string_view method,
                         const google::protobuf::Message& request)
    : fixture_(fixture), request_(request.New()) {
  request_->CopyFrom(request);
  const MethodInfo* info = fixture.methods_.Find(Concat({kServiceName, method}));
  if (info == nullptr) info = fixture.methods_.Find(Concat({kSubjectServiceName, method}));
  if (info == nullptr) info = fixture.methods_.Find(Concat({kRightsServiceName, method}));
  if (info == nullptr) info = fixture.methods_.Find(Concat({kRetentionServiceName, method}));
  if (info == nullptr) info = fixture.methods_.Find(Concat({kCredentialServiceName, method}));
  if (info == nullptr) info = fixture.methods_.Find(Concat({kSharingServiceName, method}));
  if (info == nullptr || info->factory == nullptr) Die("method", absl::NotFoundError("none"));
  context_ = std::make_unique<CallContext>(CallContext{*info});
  auto caller = std::make_shared<CallerIdentity>();
  caller->name = IdentityOf(principal);
  caller->certificate_sha256 = std::string(32, 'c');
  caller->not_after = absl::InfiniteFuture();
  const PrincipalState* known = fixture.store().snapshot()->FindPrincipalByIdentity(caller->name);
  caller->of_recipients_root =
      known != nullptr && known->principal.kind == authz::PrincipalKind::kRecipient;
  context_->caller = caller;
  context_->peer = "ipv4:192.0.2.7:4711";
  context_->request = request_.get();
  context_->arena = &arena_;
  context_->attempt = 0;
  handler_ = info->factory();
}

const Plan& VaultFixture::Open::Next() {
  context_->now = fixture_.now;
  context_->as_of = fixture_.engine_->AppliedSequence();
  ++context_->attempt;
  context_->waited = plan_.has_value() && plan_->idle.has_value();
  plan_.reset();  // the transport has let go of it by then
  plan_ = handler_->Next(*context_);
  while (plan_->work != nullptr) {
    ++fixture_.works;
    plan_->work();
    context_->as_of = fixture_.engine_->AppliedSequence();
    plan_ = handler_->Next(*context_);
  }
  return *plan_;
}

VaultFixture::Result VaultFixture::Open::Commit() {
  Result result;
  result.reason = plan_->reason;
  result.denied_fields = plan_->denied_fields;
  result.attempts = context_->attempt;
  if (!plan_->entry.has_value()) Die("plan", absl::InternalError("without entry"));
  result.entry.ParseFromString(plan_->entry->body);
  result.retained.ParseFromString(plan_->entry->retained);
  if (plan_->encoded.has_value()) {
    result.response.reset(context_->method.response_prototype->New());
    const std::string_view bytes = plan_->encoded->view();
    if (!result.response->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      Die("response", absl::InternalError("is not a message"));
    }
  }
  if (plan_->response != nullptr) {
    result.response.reset(plan_->response->New());
    result.response->CopyFrom(*plan_->response);
  }
  auto commit = std::make_unique<storage::Commit>();
  commit->as_of = context_->as_of;
  commit->decided_at = context_->now;
  commit->reads = plan_->reads;
  commit->touches = plan_->touches;
  commit->writes = plan_->writes;
  commit->entry = plan_->entry;
  commit->applied = plan_->applied;
  const absl::StatusOr<storage::LogPosition> position =
      storage::CommitOrError(*fixture_.engine_, std::move(commit));
  if (absl::IsAborted(position.status())) {
    result.reason = authz::Reason::kConflict;
    result.conflict = true;
    result.response.reset();
    return result;
  }
  if (!position.ok()) {
    result.reason = authz::Reason::kStorageUnavailable;
    result.response.reset();
    return result;
  }
  if (plan_->reason != authz::Reason::kOk) result.response.reset();
  handler_->Committed(&*position);
  context_->attempt = 0;
  return result;
}

VaultFixture::Result VaultFixture::Call(std::string_view principal, std::string_view method,
                                        const google::protobuf::Message& request) {
  Open call(*this, principal, method, request);
  for (int attempt = 1;; ++attempt) {
    call.Next();
    Result result = call.Commit();
    if (!result.conflict || attempt == kMaxAttempts) return result;
  }
}

std::vector<VaultFixture::Result> VaultFixture::Stream(std::string_view principal,
                                                       std::string_view method,
                                                       const google::protobuf::Message& request) {
  std::vector<Result> results;
  Open call(*this, principal, method, request);
  do {
    call.Next();
    results.push_back(call.Commit());
  } while (results.back().ok() && call.HasMore());
  return results;
}

v1::CreateRecordRequest VaultFixture::NewCustomer(std::map<std::string, std::string> fields,
                                                  std::string_view ref) {
  v1::CreateRecordRequest request;
  request.set_parent("tenants/default");
  request.mutable_record()->set_type("customer");
  request.mutable_record()->set_ref(std::string(ref));
  for (auto& [name, value] : fields) (*request.mutable_record()->mutable_fields())[name] = value;
  *request.mutable_usage() = UsageFor("shop");
  return request;
}

v1::CreateRecordResponse VaultFixture::Create(std::map<std::string, std::string> fields,
                                              std::string_view ref, std::string_view subject) {
  v1::CreateRecordRequest request = NewCustomer(std::move(fields), ref);
  request.mutable_record()->set_subject(std::string(subject));
  Result result = Call("shop", "CreateRecord", request);
  if (!result.ok()) Die("create", absl::InternalError(std::string(result.name())));
  return result.As<v1::CreateRecordResponse>();
}

VaultFixture::Result VaultFixture::Reveal(std::string_view principal, const std::string& name,
                                          const std::vector<std::string>& fields,
                                          bool allow_partial) {
  v1::RevealRecordRequest request;
  request.set_name(name);
  for (const std::string& field : fields) request.add_fields(field);
  *request.mutable_usage() = UsageFor(principal);
  request.set_allow_partial(allow_partial);
  return Call(principal, "RevealRecord", request);
}

VaultFixture::Result VaultFixture::Detokenize(std::string_view principal,
                                              const std::vector<std::string>& tokens) {
  v1::DetokenizeRequest request;
  request.set_parent(principal.substr(0, 5) == "other" ? "tenants/other" : "tenants/default");
  for (const std::string& token : tokens) request.add_tokens(token);
  *request.mutable_usage() = UsageFor(principal);
  return Call(principal, "Detokenize", request);
}

VaultFixture::Result VaultFixture::Search(std::string_view principal, std::string_view field,
                                          std::string_view value) {
  v1::SearchRecordsRequest request;
  request.set_parent("tenants/default");
  request.set_type("customer");
  request.set_field(std::string(field));
  request.set_value(std::string(value));
  *request.mutable_usage() = UsageFor(principal);
  return Call(principal, "SearchRecords", request);
}

VaultFixture::Result VaultFixture::Lookup(std::string_view principal, std::string_view field,
                                          std::string_view value,
                                          const std::vector<std::string>& fields) {
  v1::LookupRecordRequest request;
  request.set_parent("tenants/default");
  request.set_type("customer");
  request.set_field(std::string(field));
  request.set_value(std::string(value));
  for (const std::string& name : fields) request.add_fields(name);
  *request.mutable_usage() = UsageFor(principal);
  return Call(principal, "LookupRecord", request);
}

std::vector<std::string> VaultFixture::AllBytes() const {
  std::vector<std::string> all;
  for (int table = 0; table < storage::kTableCount; ++table) {
    for (auto& [key, value] : engine_->Dump(static_cast<storage::Table>(table))) {
      all.push_back(std::move(key));
      all.push_back(std::move(value));
    }
  }
  const auto entries = engine_->ReadEntries(0, 1'000'000);
  if (!entries.ok()) Die("entries", entries.status());
  for (const storage::StoredEntry& entry : *entries) {
    all.push_back(entry.entry.body);
    all.push_back(entry.entry.retained);
  }
  return all;
}

}  // namespace piivault::vault
