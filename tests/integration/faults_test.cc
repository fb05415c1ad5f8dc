// While the log cannot be written nothing is revealed and no write is acknowledged; once it can,
// the service goes on by itself.
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/fakes/fault_file_system.h"
#include "tests/integration/dev_vault_fixture.h"

namespace piivault::integration {
namespace {

using fakes::FaultFileSystem;
using Fault = FaultFileSystem::Fault;
using Operation = FaultFileSystem::Operation;

constexpr absl::Duration kDeadline = absl::Seconds(3);
constexpr char kEmail[] = "taro@example.jp";

class LogFaultsTest : public DevVaultFixture {
 protected:
  void SetUp() override {
    files_ = std::make_shared<FaultFileSystem>();
    ops::ServerHooks hooks;
    hooks.file_system = files_;
    Start(std::move(hooks));
    record_ = NewCustomer({{"email", kEmail}}).record().name();
    As("engineer");
    As("tenant");
  }
  void TearDown() override {
    files_->ClearFaults();
    files_->ReleaseHanging();
  }

  v1::CreateRecordRequest CreateWithRef(const std::string& ref) {
    v1::CreateRecordRequest request = CreateRequest({{"name", "鈴木 一郎"}});
    request.mutable_record()->set_ref(ref);
    return request;
  }

  // UNAVAILABLE (or the client's own deadline) before the deadline, without an answer.
  void FailsInTime(const std::string& who, const google::protobuf::Message& request) {
    SCOPED_TRACE(PathOf(request));
    v1::RevealRecordResponse response;
    const absl::Time start = absl::Now();
    const Outcome outcome = As(who).Call(request, &response, kDeadline);
    EXPECT_EQ(outcome.code, grpc::StatusCode::UNAVAILABLE) << outcome;
    EXPECT_TRUE(outcome.reason == "LOG_UNAVAILABLE" || outcome.reason == "OUTCOME_UNKNOWN" ||
                outcome.reason == "STORAGE_UNAVAILABLE")
        << outcome;
    EXPECT_LE(absl::Now() - start, kDeadline + absl::Seconds(1));
    EXPECT_EQ(response.record().fields_size(), 0);
  }

  // One of each kind of call: read, write, deletion, refusal, stream, reading the log, act.
  void NothingGoes(const std::string& ref) {
    FailsInTime("engineer", RevealRequest(record_));
    FailsInTime("shop", CreateWithRef(ref));
    v1::DeleteRecordRequest remove;
    remove.set_name(record_);
    *remove.mutable_usage() = UsageFor("order");
    FailsInTime("shop", remove);
    FailsInTime("engineer-no-nda", RevealRequest(record_));
    FailsInTime("auditor", v1::ListEntriesRequest());
    v1::UpdateTenantRequest act;
    act.mutable_tenant()->set_name(kTenant);
    act.mutable_tenant()->set_display_name(ref);
    FailsInTime("admin-1", act);
    v1::DownloadRecordsRequest download;
    download.set_parent(kTenant);
    download.set_type("customer");
    *download.mutable_usage() = UsageFor("own_list");
    const std::unique_ptr<Stream> stream = As("tenant").Open(download, absl::Seconds(20));
    v1::DownloadRecordsResponse message;
    EXPECT_FALSE(stream->Read(&message));
    EXPECT_EQ(stream->Finish().code, grpc::StatusCode::UNAVAILABLE);
  }

  // Until it does, or the test's patience ends.
  void GoesOn() {
    const absl::Time end = absl::Now() + kPatience;
    Outcome outcome;
    do {
      outcome = As("shop").Call(CreateRequest({{"name", "after"}}), nullptr, kDeadline);
    } while (!outcome.ok() && absl::Now() < end);
    EXPECT_TRUE(outcome.ok()) << "the service does not resume: " << outcome;
  }

  // What was acknowledged is there; what was not is there wholly, with its entry, or not at all.
  void AllIsThere(const std::string& acknowledged, const std::vector<std::string>& refs) {
    v1::RevealRecordResponse response;
    const std::string by_ref = "tenants/default/records/ref:customer:";
    EXPECT_TRUE(As("engineer").Call(RevealRequest(acknowledged, {"name"}), &response).ok());
    for (const std::string& ref : refs) {
      v1::RevealRecordResponse found;
      const Outcome outcome = As("engineer").Call(RevealRequest(by_ref + ref, {"name"}), &found);
      if (!outcome.ok()) {
        EXPECT_EQ(outcome.ToString(), "NOT_FOUND NOT_FOUND");
        continue;
      }
      EXPECT_EQ(found.record().fields().at("name").value(), "鈴木 一郎");
      v1::ListEntriesRequest entries;
      entries.mutable_filter()->set_record(found.record().name());
      entries.mutable_filter()->set_method("CreateRecord");
      EXPECT_EQ(Must<v1::ListEntriesResponse>("auditor", entries).entries_size(), 1);
    }
  }

  std::shared_ptr<FaultFileSystem> files_;
  std::string record_;
};

TEST_F(LogFaultsTest, NothingIsRevealedOrWrittenWhileTheLogFails) {
  struct Case {
    const char* name;
    Operation operation;
    Fault fault;
  };
  std::vector<std::string> refs;
  for (const Case& one : {Case{"EIO", Operation::kAppend, Fault::kEio},
                          Case{"ENOSPC", Operation::kAppend, Fault::kEnospc},
                          Case{"short write", Operation::kAppend, Fault::kShortWrite},
                          Case{"fsync error", Operation::kSync, Fault::kEio}}) {
    SCOPED_TRACE(one.name);
    const int strikes = files_->strikes();
    // Whatever of the database cannot be written: its log, or what it would go on with.
    const std::string kept = NewCustomer().record().name();
    files_->Inject({one.operation, one.fault, "", 0, FaultFileSystem::kAlways});
    refs.push_back(absl::StrCat("ref-", refs.size()));
    NothingGoes(refs.back());
    EXPECT_GT(files_->strikes(), strikes);
    files_->ClearFaults();
    GoesOn();
    AllIsThere(kept, refs);
    // A deletion whose outcome is unknown may have taken place.
    record_ = NewCustomer({{"phone", "090-1234-5678"}}).record().name();
    if (HasFailure()) return;
  }
}

TEST_F(LogFaultsTest, CallsEndWhileTheFsyncHangs) {
  const std::string kept = NewCustomer().record().name();
  files_->Inject({Operation::kSync, Fault::kHang, ".log"});
  // The write that hangs, and those that wait behind it.
  std::vector<std::thread> callers;
  callers.emplace_back([this] { FailsInTime("shop", CreateWithRef("hanging")); });
  files_->WaitForStrikes(1);
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([this] { FailsInTime("engineer", RevealRequest(record_)); });
  }
  for (std::thread& caller : callers) caller.join();
  NothingGoes("behind");
  files_->ReleaseHanging();
  GoesOn();
  AllIsThere(kept, {"hanging", "behind"});
}

TEST_F(LogFaultsTest, AnFsyncThatHangsAndThenFailsIsNotTriedAgain) {
  const std::string kept = NewCustomer().record().name();
  files_->Inject({Operation::kSync, Fault::kHangThenEio, ".log"});
  std::thread caller([this] { FailsInTime("shop", CreateWithRef("hanging")); });
  files_->WaitForStrikes(1);
  caller.join();
  files_->ReleaseHanging();
  GoesOn();
  AllIsThere(kept, {"hanging"});
}

}  // namespace
}  // namespace piivault::integration
