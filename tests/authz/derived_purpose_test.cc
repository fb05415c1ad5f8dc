// What follows from a purpose asks of each call what that purpose asks: nobody gets round a ticket
// or an order by calling it related.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

constexpr char kPolicy[] = R"(policy: derived
matters:
  order: {states: [open, closed]}
  move: {about: tenant}
types:
  user:
    fields: {email: email_address, phone: phone_number}
purposes:
  plain: {label: Plain}
  ticketed: {needs: [ticket]}
  asked: {needs: [option]}
  ordered: {matter: order}
  moving: {matter: move}
  related: {follows: [plain, ticketed, asked, ordered, moving]}
roles:
  app: {kind: service}
grants:
  - {id: others, role: app, may: [export], fields: [user.phone], for: [plain]}
  - {id: more, role: app, may: [reveal], fields: [user.phone], for: [asked, related]}
  - {id: all, role: app, may: [reveal], fields: [user.email], for: [plain, ticketed, asked, ordered, moving, related]}
)";

class DerivedPurposeTest : public ::testing::Test {
 protected:
  DerivedPurposeTest() {
    PolicyText text;
    text.yaml = kPolicy;
    Diagnostics diagnostics;
    policy_ = Policy::Load(text, &diagnostics);
    if (policy_ == nullptr) ADD_FAILURE() << diagnostics.ToString();
  }
  Call Related(std::string_view parent, std::vector<Argument> arguments = {}) const {
    Call call(policy_, "app");
    call.purpose = "related";
    call.ticket.clear();
    call.arguments = std::move(arguments);
    call.arguments.push_back({"parent", parent});
    return call;
  }
  std::shared_ptr<const Policy> policy_;
};

// That others are given a field for a purpose makes it no use that something could follow from.
TEST_F(DerivedPurposeTest, RestsOnNoExport) {
  Call call = Related("plain");
  call.fields = {"phone"};
  EXPECT_EQ(call.reason(), Reason::kFieldNotGranted);
  Call asked = Related("asked", {{"option", "O-1"}});
  asked.fields = {"phone"};
  EXPECT_EQ(asked.reason(), Reason::kOk);
}

TEST_F(DerivedPurposeTest, AsksForTheParentsTicket) {
  EXPECT_EQ(Related("plain").reason(), Reason::kOk);
  Call call = Related("ticketed");
  EXPECT_EQ(call.reason(), Reason::kTicketMissing);
  EXPECT_EQ(call.DecideFirst().reason, Reason::kTicketMissing);
  call.ticket = "T-1";
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(DerivedPurposeTest, AsksForTheParentsArguments) {
  EXPECT_EQ(Related("asked").reason(), Reason::kArgumentMissing);
  EXPECT_EQ(Related("asked", {{"option", "O-1"}}).reason(), Reason::kOk);
}

TEST_F(DerivedPurposeTest, RestsOnThePersonsMatterAsTheParentDoes) {
  EXPECT_EQ(Related("ordered").reason(), Reason::kArgumentMissing);
  Call call = Related("ordered", {{"order", "O-1"}});
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
  EXPECT_TRUE(call.DecideFirst().granted());  // the person may have it
  MatterFact order{.kind = "order", .id = "O-1", .state = "open"};
  order.not_after = call.now + absl::Hours(1);
  call.facts.matters = absl::MakeConstSpan(&order, 1);
  EXPECT_EQ(call.reason(), Reason::kOk);
  EXPECT_EQ(call.Decide().good_until, order.not_after + absl::Nanoseconds(1));
  order.state = "closed";
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
}

TEST_F(DerivedPurposeTest, RestsOnTheTenantsMatterAsTheParentDoes) {
  Call call = Related("moving", {{"move", "M-1"}});
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
  EXPECT_EQ(call.DecideFirst().reason, Reason::kMatterUnknown);
  call.matters = {{.kind = "move", .id = "M-1", .state = "open"}};
  EXPECT_EQ(call.reason(), Reason::kOk);
}

}  // namespace
}  // namespace piivault::authz
