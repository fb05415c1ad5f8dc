#ifndef PIIVAULT_TESTS_VAULT_SERVICE_VAULT_FIXTURE_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_VAULT_FIXTURE_H_

#include <google/protobuf/arena.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "authz/policy.h"
#include "piivault/storage/v1/entry.pb.h"
#include "piivault/v1/vault_service.pb.h"
#include "tests/fakes/memory_engine.h"
#include "tests/vault/keys/key_fixture.h"
#include "vault/records/erasure.h"
#include "vault/rotation/epoch_rotation.h"
#include "vault/rotation/index_builder.h"
#include "vault/service/method_table.h"
#include "vault/service/vault_service.h"
#include "vault/state/state_store.h"

namespace piivault::vault {

inline constexpr std::string_view kServiceName = "piivault.v1.VaultService/";
inline constexpr std::string_view kSubjectServiceName = "piivault.v1.SubjectService/";
inline constexpr std::string_view kRightsServiceName = "piivault.v1.SubjectRightsService/";
inline constexpr std::string_view kRetentionServiceName = "piivault.v1.RetentionService/";
inline constexpr std::string_view kCredentialServiceName = "piivault.v1.CredentialService/";
inline constexpr std::string_view kSharingServiceName = "piivault.v1.SharingService/";

// A vault in memory with two tenants (`default`, `other`) under a small policy, and one principal
// for each kind of caller:
//   shop          service, may do everything in `default`
//   other-shop    the same in `other`
//   engineer      staff with a valid NDA: reveals and updates for technical_work, with a ticket
//   late          an engineer whose NDA has expired
//   outsider      staff, outsourced, with the engineer's role
//   helper        staff: looks up by phone, reveals names, hints of the rest
//   owner         the principal of tenant `default` itself
//   other-owner   that of `other`
//   intake, mailer, publisher   roles of the Combzmail policy, for tests that activate it
//   nobody        a principal without roles
// and `stranger`, whom the vault does not know.
class VaultFixture {
 public:
  VaultFixture();
  ~VaultFixture();

  fakes::MemoryEngine& engine() { return *engine_; }
  StateStore& store() { return *store_; }
  KeyHierarchy& hierarchy() { return *hierarchy_; }
  const ValueRules& rules() const { return *rules_; }
  const VaultDependencies& deps() const { return *deps_; }
  ErasureWorker NewErasureWorker(ErasureWorker::Report report = nullptr);
  storage::TenantId TenantNumber(const std::string& tenant);
  int erasures_pending() const { return erasures_pending_; }

  // A whole pass over all records: destroys what goes by itself. Returns how many fields.
  uint64_t Sweep(uint64_t* waiting = nullptr);

  // Builds the indexes that the policies in force want, wholly.
  IndexBuilder NewIndexBuilder();
  void BuildIndexes();
  // Begins a new epoch; ReWrapAll() brings everything over.
  void Rotate(RandomSource& random = SystemRandom());
  void ReWrapAll();
  // Of the last Rotate().
  EpochRotation& rotation() { return *rotation_; }
  Keyring& keyring() { return *keyring_; }
  // What a rotation rests on; reports go to `damaged`.
  EpochRotation::Parts RotationParts(RandomSource& random = SystemRandom());
  std::vector<storage::Key> damaged;
  int stray_rows = 0;
  int works = 0;                               // that calls have asked for; done at once
  std::vector<std::string> credentials_tried;  // outcomes

  absl::Time now = absl::FromUnixSeconds(1'750'000'000);
  absl::Time vouched = absl::InfiniteFuture();  // as far as vault time is, where that is earlier

  // One call, as the transport carries it out, up to its first answer. `method` is one of
  // VaultService, SubjectService, SubjectRightsService, RetentionService or CredentialService, or
  // one of SharingService that deals with tokens or the ledger.
  struct Result {
    authz::Reason reason = authz::Reason::kInternal;
    std::vector<std::string> denied_fields;
    std::unique_ptr<google::protobuf::Message> response;  // null where refused
    storage::v1::EntryBody entry;
    storage::v1::EntryRetained retained;
    bool conflict = false;  // given up
    int attempts = 0;

    bool ok() const { return reason == authz::Reason::kOk && response != nullptr; }
    std::string_view name() const { return authz::ReasonName(reason); }
    template <typename T>
    const T& As() const {
      return static_cast<const T&>(*response);
    }
  };
  Result Call(std::string_view principal, std::string_view method,
              const google::protobuf::Message& request);

  // A call whose messages are planned and committed by hand.
  class Open {
   public:
    Open(VaultFixture& fixture, std::string_view principal, std::string_view method,
         const google::protobuf::Message& request);
    // Plans the next message, work it asks for included; again after a conflict.
    const Plan& Next();
    // Commits what Next() has planned. The reason is kConflict where it was refused for that.
    Result Commit();
    bool HasMore() const { return handler_->HasMore(); }

   private:
    VaultFixture& fixture_;
    std::unique_ptr<google::protobuf::Message> request_;
    google::protobuf::Arena arena_;
    std::unique_ptr<CallContext> context_;
    std::unique_ptr<Handler> handler_;
    std::optional<Plan> plan_;
  };
  // All messages of a stream.
  std::vector<Result> Stream(std::string_view principal, std::string_view method,
                             const google::protobuf::Message& request);

  // A request of CreateRecord by `shop` for its purpose.
  static v1::CreateRecordRequest NewCustomer(std::map<std::string, std::string> fields,
                                             std::string_view ref = "");
  // Creates it and returns the response; aborts where that fails.
  v1::CreateRecordResponse Create(std::map<std::string, std::string> fields,
                                  std::string_view ref = "", std::string_view subject = "");
  Result Reveal(std::string_view principal, const std::string& name,
                const std::vector<std::string>& fields, bool allow_partial = false);
  Result Detokenize(std::string_view principal, const std::vector<std::string>& tokens);
  Result Search(std::string_view principal, std::string_view field, std::string_view value);
  Result Lookup(std::string_view principal, std::string_view field, std::string_view value,
                const std::vector<std::string>& fields);

  // Commits what `change` makes of the state.
  void Put(const std::function<void(StateChange&)>& change);
  void SetPolicy(std::string_view tenant, std::string_view yaml, std::string_view values = "");

  // Every value that was submitted so far must be in none of these.
  std::vector<std::string> AllBytes() const;  // all rows of all tables, entries among them

 private:
  friend class Open;
  void MakeState();
  void PutPrincipal(StateChange& change, std::string_view name, int kind, std::string_view person,
                    std::string_view tenant, std::vector<std::string> roles,
                    std::string_view role_tenant);
  void CommitChange(StateChange change);

  TemporaryFolder folder_;
  std::unique_ptr<fakes::MemoryEngine> engine_;
  std::unique_ptr<Keyring> keyring_;
  std::unique_ptr<KeyHierarchy> hierarchy_;
  std::unique_ptr<StateStore> store_;
  std::unique_ptr<ValueRules> rules_;
  std::unique_ptr<UniqueCells> unique_;
  VolumeBudgets budgets_;
  std::optional<VaultDependencies> deps_;
  MethodTable methods_;
  std::unique_ptr<EpochRotation> rotation_;
  int erasures_pending_ = 0;
};

v1::Usage UsageFor(std::string_view principal);

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_VAULT_FIXTURE_H_
