#include "vault/service/admin_jobs.h"

#include <algorithm>

#include "authz/policy.h"
#include "vault/service/admin_convert.h"
#include "vault/service/resource_name.h"
#include "vault/service/volume_budgets.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

constexpr size_t kMaxReason = 200;
constexpr int kMaxJobs = 100;
constexpr absl::Duration kLongestJob = absl::Hours(24);
constexpr absl::Duration kFarthestJob = absl::Hours(31 * 24);
constexpr int64_t kMostRecords = 1'000'000'000'000;

}  // namespace

absl::StatusOr<ActEffect> CheckPlanJob(AdminCall& call,
                                       const piivault::v1::Proposal::PlanJob& act) {
  const piivault::v1::PlannedJob& job = act.job();
  const auto tenant_id = ParseTenantName(act.tenant());
  if (!tenant_id.has_value()) return BadArgument("plan_job.tenant");
  const auto principal_id = ParsePrincipalName(job.principal());
  if (!principal_id.has_value()) return BadArgument("plan_job.job.principal");
  if (act.reason().empty() || !IsText(act.reason(), kMaxReason)) {
    return BadArgument("plan_job.reason");
  }
  if (job.records() < 1 || job.records() > kMostRecords) return BadArgument("plan_job.job.records");

  const TenantState* tenant = call.session().UseTenantId(*tenant_id);
  if (tenant == nullptr) return MakeError(authz::Reason::kTenantUnknown, "plan_job.tenant");
  if (tenant->policy_in_force() == nullptr) return MakeError(authz::Reason::kNoPolicy);
  if (tenant->policy_in_force()->FindPurpose(job.purpose()) == nullptr) {
    return MakeError(authz::Reason::kPurposeUnknown, "plan_job.job.purpose");
  }
  const PrincipalState* principal = call.state().FindPrincipal(*principal_id);
  if (principal == nullptr) return MakeError(authz::Reason::kNotFound, "plan_job.job.principal");
  call.session().AddRead(principal->cell);

  // What begins at once begins when it is approved.
  absl::Time start = call.now();
  if (job.has_start_time()) {
    auto micros = MicrosOf(job.start_time());
    if (!micros.has_value()) return BadArgument("plan_job.job.start_time");
    start = std::max(start, absl::FromUnixMicros(*micros));
  }
  const auto end_micros = MicrosOf(job.end_time());
  if (!job.has_end_time() || !end_micros.has_value()) return BadArgument("plan_job.job.end_time");
  const absl::Time end = absl::FromUnixMicros(*end_micros);
  if (end <= start || end - start > kLongestJob || end - call.now() > kFarthestJob) {
    return BadArgument("plan_job.job.end_time");
  }

  ActEffect effect;
  effect.resource = act.tenant();
  effect.basis = tenant->row.policy_sha256();
  effect.tenant = tenant->row;
  auto& jobs = *effect.tenant->mutable_jobs();
  jobs.erase(std::remove_if(jobs.begin(), jobs.end(),
                            [&](const storage::v1::JobRow& row) {
                              return absl::FromUnixMicros(row.end_micros()) + kJobsKeptFor <
                                     call.now();
                            }),
             jobs.end());
  if (jobs.size() >= kMaxJobs) return MakeError(authz::Reason::kBatchTooLarge);
  storage::v1::JobRow& row = *jobs.Add();
  row.set_id(call.dependencies().random.Id128().ToText());
  row.set_principal(std::string(*principal_id));
  row.set_purpose(job.purpose());
  row.set_start_micros(absl::ToUnixMicros(start));
  row.set_end_micros(*end_micros);
  row.set_records(static_cast<uint64_t>(job.records()));
  return effect;
}

Plan AdminEndJob(AdminCall& call) {
  const auto& request = call.request<piivault::v1::EndJobRequest>();
  const auto name = ParseTenantName(request.tenant());
  if (!name.has_value()) return call.Refuse(BadArgument("tenant"));
  call.set_resource(request.tenant());
  const TenantState* there = call.state().FindTenant(*name);
  if (there == nullptr) return call.Refuse(authz::Reason::kNotFound, {"tenant"});
  storage::v1::TenantRow row = there->row;
  auto& jobs = *row.mutable_jobs();
  auto job = std::find_if(jobs.begin(), jobs.end(), [&](const storage::v1::JobRow& each) {
    return each.id() == request.job() && absl::FromUnixMicros(each.end_micros()) > call.now();
  });
  if (job == jobs.end()) return call.Refuse(authz::Reason::kNotFound, {"job"});
  // It stays for as long as others that have ended, so that a restart counts what it has read.
  job->set_end_micros(call.now_micros());
  call.change().PutTenant(row);
  auto* response = call.response<piivault::v1::EndJobResponse>();
  FillTenant(row, response->mutable_tenant());
  return call.Answer(response);
}

}  // namespace piivault::vault
