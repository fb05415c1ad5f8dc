// In the order of the log, no use of a person's data that rests on a consent follows its
// withdrawal, and none that was stopped follows the stop, however reads race with what the person
// says from another connection.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "ops/server/daemon/starter_policy.h"
#include "tests/integration/race_fixture.h"

namespace piivault::integration {
namespace {

constexpr int kReaders = 4;
constexpr char kWho[] = "engineer-1";
// A stream's messages are of about a mebibyte: 64 records with such a note. All of them are far
// more than what fits between the server and a client that does not read.
constexpr int kNoteBytes = 16'000;
constexpr int kStreamed = 2000;

// The starter with a purpose that needs the person's consent, and a service that speaks for people.
std::string PolicyOfConsents() {
  std::string text = ops::kStarterPolicy;
  text.resize(text.find("\nrecipients:") + 1);
  return absl::StrCat(
      absl::StrReplaceAll(text, {{"roles:\n",
                                  "  extra: {consent: required}\n"
                                  "roles:\n"
                                  "  person: {kind: subject}\n"}}),
      "  - {id: engineer-extra, role: engineer, may: [reveal], fields: [customer.*], for: "
      "[extra]}\n"
      "  - {id: person-says, role: person, may: [record_consent], types: [customer]}\n"
      "  - {id: person-stops, role: person, may: [stop_use, resume_use], fields: [customer.*, "
      "account.*], for: [order]}\n"
      "consent:\n"
      "  - {id: other-purpose, event: purpose_extension, when: before_use}\n");
}

class SubjectRaceTest : public RaceFixture {
 protected:
  void SetUp() override {
    RaceFixture::SetUp();
    Activate(LoadPolicy(PolicyOfConsents()), kTenant);
    record_ = NewCustomer({{"note", std::string(kNoteBytes, 'n')}}).record().name();
    person_ = record_.substr(0, record_.find("/records/"));
    Register("menu", v1::PRINCIPAL_KIND_SERVICE, "person");
    AddEngineer(kWho);
    RecordNda(absl::StrCat("persons/", kWho), absl::Now() + absl::Hours(24));
  }

  // Of the person, by the menu.
  v1::Usage Own(const std::string& purpose = "") {
    v1::Usage usage = UsageFor(purpose);
    usage.set_on_behalf_of(person_);
    return usage;
  }
  Lease Consent() {
    v1::RecordConsentRequest request;
    request.set_parent(kTenant);
    request.set_subject(person_);
    request.mutable_consent()->set_consent("other-purpose");
    request.mutable_consent()->set_purpose("extra");
    request.mutable_consent()->set_wording("2025-04");
    *request.mutable_usage() = Own();
    const auto given = Must<v1::RecordConsentResponse>("menu", request);
    return {given.consent().id(), given.receipt().index()};
  }
  uint64_t Withdraw(const std::string& id) {
    v1::WithdrawConsentRequest request;
    request.set_subject(person_);
    request.set_id(id);
    *request.mutable_usage() = Own();
    return Must<v1::WithdrawConsentResponse>("menu", request).receipt().index();
  }
  uint64_t StopUse() {
    v1::StopUseRequest request;
    request.set_subject(person_);
    request.mutable_stop()->set_purpose("technical_work");
    *request.mutable_usage() = Own("order");
    return Must<v1::StopUseResponse>("menu", request).receipt().index();
  }
  Lease ResumeUse() {
    v1::ResumeUseRequest request;
    request.set_subject(person_);
    request.mutable_stop()->set_purpose("technical_work");
    *request.mutable_usage() = Own("order");
    return {"", Must<v1::ResumeUseResponse>("menu", request).receipt().index()};
  }

  // One round: a stream of the person's records, cut by `take` after its first message.
  void StreamInto(const v1::Usage& usage, Lease lease,
                  const std::function<uint64_t(const Lease&)>& take);

  std::string person_;
};

void SubjectRaceTest::StreamInto(const v1::Usage& usage, Lease lease,
                                 const std::function<uint64_t(const Lease&)>& take) {
  v1::StreamRevealRecordsRequest request;
  request.set_parent(kTenant);
  for (int i = 0; i < kStreamed; ++i) request.mutable_names()->add_names(record_);
  request.add_fields("note");
  *request.mutable_usage() = usage;
  const std::unique_ptr<Stream> stream = As(kWho).Open(request, absl::Seconds(120));
  v1::StreamRevealRecordsResponse message;
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_GT(message.records_size(), 0);
  EXPECT_GT(message.receipt().index(), lease.given);
  lease.taken = take(lease);
  int omitted = 0;
  int late = 0;
  while (stream->Read(&message)) {
    omitted += message.omitted();
    if (message.receipt().index() < lease.taken) {
      ++late;  // On its way already.
      continue;
    }
    EXPECT_EQ(message.records_size(), 0) << "shown after it was taken";
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_GT(omitted, kStreamed / 2) << "the rest of the stream";
  EXPECT_LE(late, 3);
  leases_[absl::StrCat("principals/", kWho)].push_back(lease);
}

TEST_F(SubjectRaceTest, NoUseFollowsTheWithdrawalOfItsConsent) {
  v1::RevealRecordRequest request = RevealRequest(record_, {"name"});
  *request.mutable_usage() = UsageFor("extra");
  Race(
      kWho, request, kReaders, LongRun() ? 2'000 : 60, [&] { return Consent(); },
      [&](const Lease& lease) { return Withdraw(lease.basis); }, {"CONSENT_MISSING", "CONFLICT"});
  CheckLog([](const v1::Entry& entry) { return entry.consent(); });
}

TEST_F(SubjectRaceTest, NoUseFollowsItsStop) {
  StopUse();
  Race(
      kWho, RevealRequest(record_, {"name"}), kReaders, LongRun() ? 2'000 : 60,
      [&] { return ResumeUse(); }, [&](const Lease&) { return StopUse(); },
      {"USE_STOPPED", "CONFLICT"});
  CheckLog([](const v1::Entry&) { return std::string(); });
}

TEST_F(SubjectRaceTest, AStreamShowsNothingAfterTheWithdrawal) {
  for (int round = 0; round < (LongRun() ? 100 : 4) && !HasFailure(); ++round) {
    StreamInto(UsageFor("extra"), Consent(),
               [&](const Lease& lease) { return Withdraw(lease.basis); });
  }
  CheckLog([](const v1::Entry& entry) { return entry.consent(); });
}

TEST_F(SubjectRaceTest, AStreamShowsNothingAfterTheStop) {
  StopUse();
  for (int round = 0; round < (LongRun() ? 100 : 4) && !HasFailure(); ++round) {
    StreamInto(UsageFor("technical_work", "T-1"), ResumeUse(),
               [&](const Lease&) { return StopUse(); });
  }
  CheckLog([](const v1::Entry&) { return std::string(); });
}

}  // namespace
}  // namespace piivault::integration
