#include "tests/ops/cli/fake_retention.h"

#include "absl/strings/str_cat.h"
#include "tests/ops/cli/fake_sharing.h"

namespace piivault::ops {
namespace {

constexpr int64_t kDue = 1'800'000'000;
constexpr char kTenant[] = "tenants/default";

// A list of two records.
v1::Destruction List(const std::string& name, v1::DestructionState state) {
  const bool decided = state != v1::DESTRUCTION_STATE_SELECTED;
  v1::Destruction list;
  list.set_name(name);
  list.set_state(state);
  for (int i = 1; i <= 2; ++i) {
    v1::DestructionItem& item = *list.add_items();
    item.set_subject_ref(absl::StrCat("person-", i));
    item.set_record_ref(absl::StrCat("entry-", i));
    if (!decided) item.set_record(absl::StrCat(kTenant, "/subjects/s", i, "/records/r", i));
    item.add_fields("consult.name");
    item.add_fields("consult.phone");
    item.add_rules("consult");
    item.add_rules("done");
    item.mutable_due_time()->set_seconds(kDue);
  }
  list.set_sha256(FakeRetention::Sha256());
  list.set_selector("principals/staff");
  list.mutable_select_time()->set_seconds(kDue + 60);
  if (!decided) return list;
  list.set_decider("principals/officer");
  list.mutable_decide_time()->set_seconds(kDue + 120);
  return list;
}

}  // namespace

FakeRetention::Status FakeRetention::GetRetention(Context*, const v1::GetRetentionRequest* request,
                                                  v1::GetRetentionResponse* response) {
  const auto add = [&](const char* record, const char* field) {
    v1::FieldRetention* added = response->add_fields();
    added->set_record(absl::StrCat(request->subject(), "/records/", record));
    added->set_field(field);
    return added;
  };
  v1::FieldRetention* held = add("r1", "pay.record");
  held->set_law("JP-tax");
  held->mutable_held_until()->set_seconds(1'900'000'000);
  held->mutable_due_time()->set_seconds(1'900'000'000);
  held->set_rule("tax");
  held->set_kept_by_law(true);
  add("r1", "pay.bill")->set_law("JP-tax");
  v1::FieldRetention* due = add("r2", "consult.name");
  due->mutable_due_time()->set_seconds(kDue);
  due->set_rule("consult");
  response->mutable_receipt()->set_index(42);
  return hear_(*request);
}

FakeRetention::Status FakeRetention::SelectDestruction(Context*,
                                                       const v1::SelectDestructionRequest* request,
                                                       v1::SelectDestructionResponse* response) {
  const std::string& page = request->page_token();
  response->set_looked_at(page == "p3" ? 7 : 5'000);
  response->mutable_receipt()->set_index(42);
  const bool empty = request->parent().ends_with("/empty");
  if (request->parent().ends_with("/damaged")) response->set_damaged(2);
  if (page != "p2" && !empty) {
    *response->mutable_destruction() =
        List(absl::StrCat(kTenant, "/destructions/", page == "p3" ? "d2" : "d1"),
             v1::DESTRUCTION_STATE_SELECTED);
  }
  if (page != "p3" && !empty) response->set_next_page_token(page.empty() ? "p2" : "p3");
  return hear_(*request);
}

FakeRetention::Status FakeRetention::ListDestructions(Context*,
                                                      const v1::ListDestructionsRequest* request,
                                                      v1::ListDestructionsResponse* response) {
  const std::string prefix = request->parent() + "/destructions/";
  *response->add_destructions() = List(prefix + "d3", v1::DESTRUCTION_STATE_SELECTED);
  response->mutable_receipt()->set_index(42);
  if (request->selected_only()) return hear_(*request);
  *response->add_destructions() = List(prefix + "d2", v1::DESTRUCTION_STATE_DESTROYED);
  response->mutable_destructions(1)->mutable_items(1)->set_kept("RETENTION_HOLD");
  *response->add_destructions() = List(prefix + "d1", v1::DESTRUCTION_STATE_REJECTED);
  return hear_(*request);
}

FakeRetention::Status FakeRetention::ApproveDestruction(
    Context*, const v1::ApproveDestructionRequest* request,
    v1::ApproveDestructionResponse* response) {
  if (request->sha256() != Sha256()) {
    return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "PROPOSAL_STALE", "sha256");
  }
  *response->mutable_destruction() = List(request->name(), v1::DESTRUCTION_STATE_DESTROYED);
  if (request->name().ends_with("/d2")) {
    response->mutable_destruction()->mutable_items(1)->set_kept("RETENTION_HOLD");
  }
  response->mutable_receipt()->set_index(42);
  return hear_(*request);
}

FakeRetention::Status FakeRetention::RejectDestruction(Context*,
                                                       const v1::RejectDestructionRequest* request,
                                                       v1::RejectDestructionResponse* response) {
  *response->mutable_destruction() = List(request->name(), v1::DESTRUCTION_STATE_REJECTED);
  response->mutable_receipt()->set_index(42);
  return hear_(*request);
}

}  // namespace piivault::ops
