// Streams are decided anew for each message.
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "ops/server/daemon/starter_policy.h"
#include "tests/integration/dev_vault_fixture.h"

namespace piivault::integration {
namespace {

// Messages are of about a mebibyte: 64 records with such a note.
constexpr int kNoteBytes = 16'000;

class StreamsTest : public DevVaultFixture {
 protected:
  void SetUp() override { Start(); }

  // Far more than what fits between server and a client that does not read.
  v1::StreamRevealRecordsRequest LongStream() {
    const std::string name = NewCustomer({{"note", std::string(kNoteBytes, 'n')}}).record().name();
    v1::StreamRevealRecordsRequest request;
    request.set_parent(kTenant);
    for (int i = 0; i < 3000; ++i) request.mutable_names()->add_names(name);
    request.add_fields("note");
    *request.mutable_usage() = UsageFor("technical_work", "T-1");
    return request;
  }

  // Opens a stream, reads one message, takes the right away by `act` (whose entry's index it
  // returns), and reads on. Returns how the stream ended; expects no message decided after the act.
  template <typename Message>
  Outcome RunInto(const std::string& who, const google::protobuf::Message& request,
                  const std::function<uint64_t()>& act) {
    const std::unique_ptr<Stream> stream = As(who).Open(request, absl::Seconds(60));
    Message message;
    EXPECT_TRUE(stream->Read(&message));
    EXPECT_GT(message.records_size(), 0);
    const uint64_t taken = act();
    int after = 0;
    while (stream->Read(&message)) {
      ++after;
      EXPECT_LT(message.receipt().index(), taken) << "released after the right was taken";
    }
    EXPECT_LE(after, 3) << "what was on its way already";
    return stream->Finish();
  }

  uint64_t RevokeNda(const std::string& name) {
    v1::RevokeAttestationRequest revoke;
    revoke.set_name(name);
    return Must<v1::RevokeAttestationResponse>("admin-1", revoke).receipt().index();
  }
};

TEST_F(StreamsTest, AStreamRunsToItsEnd) {
  const v1::StreamRevealRecordsRequest request = LongStream();
  const std::unique_ptr<Stream> stream = As("engineer").Open(request, absl::Seconds(120));
  v1::StreamRevealRecordsResponse message;
  int records = 0;
  uint64_t last = 0;
  while (stream->Read(&message)) {
    records += message.records_size();
    EXPECT_EQ(message.omitted(), 0);
    EXPECT_LE(message.records_size(), 1000);
    EXPECT_GT(message.receipt().index(), last) << "each message has an entry of its own";
    last = message.receipt().index();
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(records, request.names().names_size());
}

TEST_F(StreamsTest, ARevokedNdaEndsARunningStream) {
  Register("engineer-1", v1::PRINCIPAL_KIND_STAFF, "engineer");
  const std::string nda =
      RecordNda("persons/engineer-1", absl::Now() + absl::Hours(24)).attestation().name();
  const Outcome outcome = RunInto<v1::StreamRevealRecordsResponse>("engineer-1", LongStream(),
                                                                   [&] { return RevokeNda(nda); });
  EXPECT_EQ(outcome.ToString(), "PERMISSION_DENIED NDA_REVOKED");
  EXPECT_TRUE(outcome.metadata.count("index"));
}

TEST_F(StreamsTest, ARevokedRoleEndsARunningStream) {
  const Outcome outcome =
      RunInto<v1::StreamRevealRecordsResponse>("engineer", LongStream(), [this] {
        v1::RevokeRoleRequest revoke;
        revoke.set_principal("principals/engineer");
        revoke.set_role("engineer");
        revoke.set_tenant(kTenant);
        return Must<v1::RevokeRoleResponse>("admin-1", revoke).receipt().index();
      });
  EXPECT_EQ(outcome.ToString(), "PERMISSION_DENIED ROLE_NOT_GRANTED");
}

TEST_F(StreamsTest, ANewPolicyEndsARunningStream) {
  std::string text = ops::kStarterPolicy;
  text.resize(text.find("cases:"));
  const std::string closed = LoadPolicy(absl::StrReplaceAll(
      text, {{"role: engineer, may: [reveal, update]", "role: engineer, may: [update]"}}));
  const Outcome outcome = RunInto<v1::StreamRevealRecordsResponse>(
      "engineer", LongStream(), [&] { return Activate(closed, kTenant); });
  EXPECT_EQ(outcome.ToString(), "PERMISSION_DENIED OPERATION_NOT_GRANTED");
}

TEST_F(StreamsTest, ADisabledTenantPrincipalsDownloadEnds) {
  v1::BatchCreateRecordsRequest batch;
  batch.set_parent(kTenant);
  for (int i = 0; i < 50; ++i) {
    *batch.add_records() = CreateRequest({{"note", std::string(kNoteBytes, 'n')}}).record();
  }
  *batch.mutable_usage() = UsageFor("order");
  // 600 records, a few at a time: a sanitizer's build must answer each within its deadline.
  for (int i = 0; i < 12; ++i) Must<v1::BatchCreateRecordsResponse>("shop", batch);
  v1::DownloadRecordsRequest download;
  download.set_parent(kTenant);
  download.set_type("customer");
  *download.mutable_usage() = UsageFor("own_list");
  const Outcome outcome = RunInto<v1::DownloadRecordsResponse>("tenant", download, [this] {
    v1::DisablePrincipalRequest disable;
    disable.set_name("principals/tenant");
    return Must<v1::DisablePrincipalResponse>("admin-1", disable).receipt().index();
  });
  EXPECT_EQ(outcome.ToString(), "UNAUTHENTICATED PRINCIPAL_DISABLED");
}

TEST_F(StreamsTest, OffboardingCutsRunningStreams) {
  const std::unique_ptr<Stream> other = As("engineer").Open(LongStream(), absl::Seconds(60));
  v1::StreamRevealRecordsResponse of_other;
  EXPECT_TRUE(other->Read(&of_other));
  Register("engineer-1", v1::PRINCIPAL_KIND_STAFF, "engineer");
  RecordNda("persons/engineer-1", absl::Now() + absl::Hours(24));
  const std::unique_ptr<Stream> first = As("engineer-1").Open(LongStream(), absl::Seconds(60));
  const std::unique_ptr<Stream> second = As("engineer-1").Open(LongStream(), absl::Seconds(60));
  v1::StreamRevealRecordsResponse message;
  EXPECT_TRUE(first->Read(&message));
  EXPECT_TRUE(second->Read(&message));

  v1::OffboardPrincipalRequest offboard;
  offboard.set_name("principals/engineer-1");
  const auto left = Must<v1::OffboardPrincipalResponse>("admin-1", offboard);
  EXPECT_EQ(left.cut_streams(), 2);
  EXPECT_TRUE(left.principal().disabled());
  for (Stream* stream : {first.get(), second.get()}) {
    while (stream->Read(&message)) {
      EXPECT_LT(message.receipt().index(), left.receipt().index());
    }
    const Outcome outcome = stream->Finish();
    EXPECT_TRUE(outcome.code == grpc::StatusCode::CANCELLED ||
                outcome.reason == "PRINCIPAL_DISABLED")
        << outcome;
  }
  EXPECT_EQ(As("engineer-1").Call(RevealRequest(of_other.records(0).name())).ToString(),
            "UNAUTHENTICATED PRINCIPAL_DISABLED");
  EXPECT_TRUE(other->Read(&of_other)) << "other principals' streams go on";
}

TEST_F(StreamsTest, OffboardingCutsAStreamThatWaits) {
  Register("auditor-2", v1::PRINCIPAL_KIND_STAFF, "vault_auditor", "");
  const std::unique_ptr<Stream> tail =
      As("auditor-2").Open(v1::TailEntriesRequest(), absl::Seconds(60));
  v1::TailEntriesResponse message;
  ASSERT_TRUE(tail->Read(&message)) << "the opening";
  v1::OffboardPrincipalRequest offboard;
  offboard.set_name("principals/auditor-2");
  EXPECT_EQ((Must<v1::OffboardPrincipalResponse>("admin-1", offboard).cut_streams()), 1);
  while (tail->Read(&message)) {
  }
  EXPECT_FALSE(tail->Finish().ok());
}

}  // namespace
}  // namespace piivault::integration
