#include "vault/service/audit_service.h"

#include <gmock/gmock.h>
#include <google/protobuf/arena.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "piivault/v1/audit_service.pb.h"
#include "storage/commit_and_wait.h"
#include "storage/log_index.h"
#include "tests/fakes/forwarding_engine.h"
#include "tests/vault/service/vault_fixture.h"
#include "vault/audit/entry_builder.h"
#include "vault/audit/entry_terms.h"
#include "vault/service/handler.h"

namespace piivault::vault {
namespace {

// Counts the entries that are read, and calls back before.
class WatchedEngine : public fakes::ForwardingEngine {
 public:
  using ForwardingEngine::ForwardingEngine;

  absl::StatusOr<std::vector<storage::StoredEntry>> ReadEntries(uint64_t index,
                                                                size_t limit) const override {
    if (before_read != nullptr) std::exchange(before_read, nullptr)();
    auto entries = ForwardingEngine::ReadEntries(index, limit);
    if (entries.ok()) read += entries->size();
    return entries;
  }
  void SetReopenHook(std::function<absl::Status()>) override {}
  void Shutdown() override {}

  mutable std::function<void()> before_read;  // once
  mutable size_t read = 0;
};

class TailTest : public testing::Test {
 protected:
  TailTest() {
    EXPECT_TRUE(methods_.AddService("piivault.v1.AuditService").ok());
    EXPECT_TRUE(RegisterAuditService(dependencies_, &methods_).ok());
  }

  // An entry of this method.
  void Append(std::string_view method) {
    EntryHeader header;
    header.time = vault_.now;
    header.method = method;
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = vault_.engine().AppliedSequence();
    commit->decided_at = absl::InfiniteFuture();
    commit->entry = DraftEntry(NewEntryBody(header, authz::Reason::kOk), SystemRandom());
    EXPECT_TRUE(storage::CommitOrError(vault_.engine(), std::move(commit)).ok());
  }

  // Opens a tail at the log's end.
  void Open(const v1::EntryFilter& filter = {}) {
    *request_.mutable_filter() = filter;
    const MethodInfo* info = methods_.Find("piivault.v1.AuditService/TailEntries");
    context_.emplace(CallContext{*info});
    auto caller = std::make_shared<CallerIdentity>();
    caller->name = "spiffe://test/admin-a";
    caller->certificate_sha256 = std::string(32, 'c');
    caller->not_after = absl::InfiniteFuture();
    context_->caller = caller;
    context_->request = &request_;
    context_->arena = &arena_;
    handler_ = info->factory();
    const Plan opening = Next();
    ASSERT_EQ(opening.reason, authz::Reason::kOk);
    handler_->Committed(nullptr);
  }
  Plan Next() {
    context_->now = vault_.now;
    context_->as_of = vault_.engine().AppliedSequence();
    return handler_->Next(*context_);
  }
  // What the next message brings, until there is nothing; positions in the log.
  std::vector<uint64_t> ReadAll() {
    std::vector<uint64_t> positions;
    for (;;) {
      Plan plan = Next();
      EXPECT_EQ(plan.reason, authz::Reason::kOk);
      if (plan.idle.has_value() && *plan.idle > absl::ZeroDuration()) return positions;
      if (plan.response == nullptr) continue;
      for (const auto& entry : static_cast<v1::TailEntriesResponse*>(plan.response)->entries()) {
        positions.push_back(entry.position().index());
      }
      handler_->Committed(nullptr);
    }
  }

  VaultFixture vault_;
  WatchedEngine engine_{vault_.engine()};
  storage::LogIndex index_{engine_, &TermsOf};
  AuditDependencies dependencies_{engine_, index_, vault_.store(), SystemRandom()};
  MethodTable methods_;
  google::protobuf::Arena arena_;
  v1::TailEntriesRequest request_;
  std::optional<CallContext> context_;
  std::unique_ptr<Handler> handler_;
};

TEST_F(TailTest, AnEntryThatComesBehindTheEndThatWasReadIsSentOnce) {
  Open();
  const uint64_t first = vault_.engine().LogEnd().index;
  Append("piivaultd/Test");
  // Between the log's end and the page.
  engine_.before_read = [this] { Append("piivaultd/Test"); };
  EXPECT_THAT(ReadAll(), testing::ElementsAre(first, first + 1));
  EXPECT_THAT(ReadAll(), testing::IsEmpty());
  Append("piivaultd/Test");
  EXPECT_THAT(ReadAll(), testing::ElementsAre(first + 2));
}

TEST_F(TailTest, OneLookReadsNoMoreThanAThousandEntries) {
  v1::EntryFilter by_method;
  by_method.set_method("piivaultd/Wanted");
  v1::EntryFilter by_term;
  by_term.set_principal("principals/nobody");
  for (const v1::EntryFilter& filter : {by_method, by_term}) {
    Open(filter);
    for (int i = 0; i < 2500; ++i) Append("piivaultd/Other");
    int looks = 0;
    for (bool at_end = false; !at_end; ++looks) {
      engine_.read = 0;
      const Plan plan = Next();
      ASSERT_TRUE(plan.idle.has_value());
      EXPECT_LE(engine_.read, 1000u);
      at_end = *plan.idle > absl::ZeroDuration();
    }
    EXPECT_GE(looks, 3);
  }
}

// Records have no terms: entries of one are found among those of its subject.
TEST_F(TailTest, EntriesOfARecordAreNotThoseOfItsSubject) {
  const auto first = vault_.Create({{"email", "hanako@example.jp"}});
  const std::string name = first.record().name();
  const std::string subject = name.substr(0, name.find("/records/"));
  const auto second = vault_.Create({{"email", "sato@example.jp"}}, "", subject);
  const auto other = vault_.Create({{"email", "suzuki@example.jp"}});
  for (int i = 0; i < 3; ++i) {
    for (const auto* record : {&first, &second, &other}) {
      EXPECT_TRUE(vault_.Reveal("shop", record->record().name(), {"email"}).ok());
    }
  }
  const uint64_t end = vault_.engine().LogEnd().index;
  const std::vector<uint64_t> of_first = {end - 12, end - 9, end - 6, end - 3};
  const std::vector<uint64_t> of_subject = {end - 12, end - 11, end - 9, end - 8,
                                            end - 6,  end - 5,  end - 3, end - 2};
  v1::EntryFilter by_record;
  by_record.set_record(name);
  v1::EntryFilter by_subject;
  by_subject.set_subject(subject);
  v1::EntryFilter by_both = by_record;
  by_both.set_subject(subject);
  request_.set_start_index(0);
  storage::LogIndex index(vault_.engine(), &TermsOf);
  for (size_t step : {size_t{0}, static_cast<size_t>(end) - 7, size_t{1000}}) {
    ASSERT_TRUE(index.CatchUp(step).ok());
    Open(by_record);
    EXPECT_EQ(ReadAll(), of_first);
    Open(by_both);
    EXPECT_EQ(ReadAll(), of_first);
    Open(by_subject);
    EXPECT_EQ(ReadAll(), of_subject);
  }
}

class ExplainAccessTest : public TailTest {
 protected:
  // As a caller of AdminService's tests would ask.
  Plan Ask() {
    const MethodInfo* info = methods_.Find("piivault.v1.AuditService/ExplainAccess");
    context_.emplace(CallContext{*info});
    auto caller = std::make_shared<CallerIdentity>();
    caller->name = "spiffe://test/admin-a";
    caller->certificate_sha256 = std::string(32, 'c');
    caller->not_after = absl::InfiniteFuture();
    context_->caller = caller;
    context_->request = &asked_;
    context_->arena = &arena_;
    handler_ = info->factory();
    return Next();
  }
  v1::ExplainAccessResponse Explain() {
    const Plan plan = Ask();
    EXPECT_EQ(plan.reason, authz::Reason::kOk);
    return plan.response == nullptr ? v1::ExplainAccessResponse()
                                    : static_cast<const v1::ExplainAccessResponse&>(*plan.response);
  }
  void AskAbout(std::string_view principal, std::string_view field, std::string_view purpose) {
    asked_.set_principal(std::string("principals/") + std::string(principal));
    asked_.set_tenant("tenants/default");
    asked_.set_verb("reveal");
    asked_.clear_fields();
    asked_.add_fields(std::string(field));
    asked_.set_purpose(std::string(purpose));
  }

  v1::ExplainAccessRequest asked_;
};

TEST_F(ExplainAccessTest, SaysWhatTheVaultThenDoes) {
  const auto made = vault_.Create({{"email", "hanako@example.jp"}, {"name", "鈴木 花子"}});
  for (const char* who : {"shop", "engineer", "late", "outsider", "helper", "nobody"}) {
    for (const char* field : {"customer.email", "customer.name"}) {
      const v1::Usage usage = UsageFor(who);
      AskAbout(who, field, usage.purpose());
      asked_.set_ticket(usage.ticket());
      const v1::ExplainAccessResponse told = Explain();
      const auto result = vault_.Reveal(who, made.record().name(),
                                        {std::string(field).substr(strlen("customer."))});
      EXPECT_EQ(told.decision() == v1::ENTRY_DECISION_GRANTED, result.ok()) << who << " " << field;
      EXPECT_EQ(told.reason(), result.ok() ? "" : std::string(authz::ReasonName(result.reason)))
          << who << " " << field;
      EXPECT_EQ(told.objects_size(), 1);
      EXPECT_EQ(told.policy_sha256().size(), 64u);
    }
  }
}

TEST_F(ExplainAccessTest, AsksNoMoreThanItMay) {
  AskAbout("engineer", "customer.email", "order");
  EXPECT_TRUE(Ask().entry.has_value());
  const auto refused = [&](authz::Reason reason) { EXPECT_EQ(Ask().reason, reason); };
  asked_.set_principal("principals/unknown");
  refused(authz::Reason::kNotFound);
  asked_.set_principal("engineer");
  refused(authz::Reason::kMalformedRequest);
  AskAbout("engineer", "customer.email", "order");
  asked_.set_verb("peek");
  refused(authz::Reason::kMalformedRequest);
  AskAbout("engineer", "customer.email", "order");
  asked_.set_tenant("tenants/unknown");
  refused(authz::Reason::kTenantUnknown);
  AskAbout("engineer", "customer.email", "order");
  for (int i = 0; i < 201; ++i) asked_.add_fields("customer.email");
  refused(authz::Reason::kMalformedRequest);
}

TEST_F(ExplainAccessTest, AtAnotherTime) {
  const v1::Usage usage = UsageFor("engineer");
  AskAbout("engineer", "customer.email", usage.purpose());
  asked_.set_ticket(usage.ticket());
  EXPECT_EQ(Explain().decision(), v1::ENTRY_DECISION_GRANTED);
  // Long after every NDA is over.
  asked_.mutable_time()->set_seconds(absl::ToUnixSeconds(vault_.now) + 20 * 365 * 86400);
  const v1::ExplainAccessResponse later = Explain();
  EXPECT_EQ(later.reason(), "NDA_EXPIRED");
  ASSERT_EQ(later.roles_size(), 1);
  EXPECT_FALSE(later.roles(0).admitted());
}

}  // namespace
}  // namespace piivault::vault
