// 002-55: a session is a connection, and nobody goes on after its end without a new handshake.
#include "vault/service/session_limits.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "authz/policy_spec.h"
#include "tests/vault/service/transport/transport_testing.h"

namespace piivault::vault {
namespace {

namespace v1 = piivault::v1;

constexpr absl::Duration kPatience = absl::Seconds(20);

std::chrono::system_clock::time_point Deadline() {
  return absl::ToChronoTime(absl::Now() + kPatience);
}

// Waits until the server has closed the connection.
bool AwaitClosed(grpc::Channel& channel) {
  return channel.WaitForStateChange(GRPC_CHANNEL_READY, Deadline());
}

grpc::Status Reveal(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  v1::RevealRecordResponse response;
  return v1::VaultService::NewStub(channel)->RevealRecord(&context, {}, &response);
}

Plan Answer(CallContext& context) { return RevealPlan(context, "answered"); }

TEST(SessionLimitsTest, AConnectionWithoutCallsEnds) {
  ToyServer toy([](GrpcServerOptions& options) {
    options.sessions = {absl::Milliseconds(200), absl::InfiniteDuration()};
  });
  toy.On(kUnary, &Answer);
  toy.Start();
  auto channel = toy.Channel();
  ASSERT_TRUE(Reveal(channel).ok());
  ASSERT_TRUE(AwaitClosed(*channel));
  const int handshakes = toy.observer().handshakes;
  ASSERT_TRUE(Reveal(channel).ok());
  EXPECT_EQ(toy.observer().handshakes, handshakes + 1);
}

TEST(SessionLimitsTest, AConnectionInUseEndsAtItsAge) {
  ToyServer toy([](GrpcServerOptions& options) {
    options.sessions = {absl::InfiniteDuration(), absl::Milliseconds(500)};
  });
  toy.On(kUnary, &Answer);
  toy.Start();
  auto channel = toy.Channel();
  // As many calls as it takes: each is answered, and a second handshake comes.
  const absl::Time give_up = absl::Now() + kPatience;
  while (toy.observer().handshakes < 2 && absl::Now() < give_up) {
    ASSERT_TRUE(Reveal(channel).ok());
  }
  EXPECT_GE(toy.observer().handshakes, 2);
}

TEST(SessionLimitsTest, AStreamEndsWithItsConnection) {
  ToyServer toy([](GrpcServerOptions& options) {
    options.sessions = {absl::InfiniteDuration(), absl::Milliseconds(500)};
  });
  toy.On(kStream, [] {
    auto sent = std::make_shared<int>(0);
    ToyScript script;
    script.next = [sent](CallContext& context) {
      // One message, and then nothing for ever, as who follows the log may have it.
      if (*sent == 0) return StreamPlan(context, "message");
      Plan plan;
      plan.idle = absl::Hours(1);
      return plan;
    };
    script.committed = [sent](const storage::LogPosition*) { ++*sent; };
    script.has_more = [] { return true; };
    script.close = [](CallContext&) { return RefusePlan(authz::Reason::kOk, "closed"); };
    return script;
  });
  toy.Start();
  auto stub = toy.Stub();
  grpc::ClientContext context;
  context.set_deadline(Deadline());
  auto reader = stub->StreamRevealRecords(&context, {});
  v1::StreamRevealRecordsResponse message;
  EXPECT_TRUE(reader->Read(&message));
  EXPECT_FALSE(reader->Read(&message));
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  toy.observer().AwaitFinished(kStream, authz::Reason::kCancelled, 1);
  EXPECT_EQ(toy.Entries(), (std::vector<std::string>{"message", "closed"}));
}

TEST(SessionLimitsTest, WhatAPolicyPromisesIsHeldAgainstThem) {
  authz::SessionRules rules;
  EXPECT_TRUE(UnkeptSessionRules(rules, {}).empty());
  rules.idle = absl::Minutes(15);
  rules.absolute = absl::Hours(12);
  EXPECT_TRUE(UnkeptSessionRules(rules, {absl::Minutes(15), absl::Hours(12)}).empty());
  EXPECT_EQ(UnkeptSessionRules(rules, {absl::Minutes(15) + absl::Seconds(1), absl::Hours(12)}),
            std::vector<std::string>{"session.idle"});
  EXPECT_EQ(UnkeptSessionRules(rules, {absl::Minutes(15), absl::Hours(12) + absl::Seconds(1)}),
            std::vector<std::string>{"session.absolute"});
  EXPECT_EQ(UnkeptSessionRules(rules, {}).size(), 2U);
}

}  // namespace
}  // namespace piivault::vault
