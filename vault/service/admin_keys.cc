#include "vault/service/admin_call.h"
#include "vault/service/admin_convert.h"
#include "vault/state/vault_keys.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

std::string_view SlotKindName(SlotKind kind) {
  switch (kind) {
    case SlotKind::kPassphrase:
      return "passphrase";
    case SlotKind::kCredential:
      return "credential";
    case SlotKind::kRecovery:
      return "recovery";
  }
  return {};
}

piivault::v1::EpochState EpochStateOf(EpochStatus status) {
  switch (status) {
    case EpochStatus::kActive:
      return piivault::v1::EPOCH_STATE_ACTIVE;
    case EpochStatus::kRetired:
      return piivault::v1::EPOCH_STATE_RETIRED;
    case EpochStatus::kDestroyed:
      return piivault::v1::EPOCH_STATE_DESTROYED;
  }
  return piivault::v1::EPOCH_STATE_UNSPECIFIED;
}

}  // namespace

Plan AdminListKeyringSlots(AdminCall& call) {
  auto* response = call.response<piivault::v1::ListKeyringSlotsResponse>();
  for (const SlotInfo& info : call.dependencies().keyring.slots()) {
    piivault::v1::KeyringSlot* slot = response->add_slots();
    slot->set_id(info.id);
    slot->set_kind(std::string(SlotKindName(info.kind)));
  }
  if (call.dependencies().mirrors) {
    const AdminDependencies::Mirrors mirrors = call.dependencies().mirrors();
    response->set_mirrors_current(mirrors.current);
    response->set_mirrors(mirrors.configured);
  }
  return call.Answer(response);
}

Plan AdminListEpochs(AdminCall& call) {
  auto* response = call.response<piivault::v1::ListEpochsResponse>();
  for (const EpochInfo& info : call.dependencies().keyring.epochs()) {
    piivault::v1::Epoch* epoch = response->add_epochs();
    epoch->set_id(info.id);
    epoch->set_state(EpochStateOf(info.status));
    FillTime(absl::ToUnixMicros(info.created), epoch->mutable_create_time());
    if (info.retired != absl::InfiniteFuture()) {
      FillTime(absl::ToUnixMicros(info.retired), epoch->mutable_retire_time());
    }
    epoch->set_live_rows(call.dependencies().rotator.LiveRows(info.id).value_or(0));
    const auto* recorded = FindEpoch(call.state().keyring(), info.id);
    if (recorded != nullptr) epoch->set_damaged_rows(recorded->damaged());
  }
  return call.Answer(response);
}

Plan AdminRotateEpoch(AdminCall& call) {
  KeyRotator& rotator = call.dependencies().rotator;
  auto next = rotator.NextEpoch();
  if (!next.ok()) return call.Refuse(authz::Reason::kRotationRunning);
  call.set_resource(Concat({"epochs/", std::to_string(*next)}));
  auto* response = call.response<piivault::v1::RotateEpochResponse>();
  response->mutable_epoch()->set_id(*next);
  response->mutable_epoch()->set_state(piivault::v1::EPOCH_STATE_ACTIVE);
  FillTime(call.now_micros(), response->mutable_epoch()->mutable_create_time());
  return call.Answer(response, [&rotator] { rotator.StartRotation(); });
}

Plan AdminGetVaultStatus(AdminCall& call) {
  auto* response = call.response<piivault::v1::GetVaultStatusResponse>();
  response->set_version(call.dependencies().version);
  response->set_vault_id(ToHex(call.state().vault_id()));
  response->set_single_operator(call.state().single_operator());
  const storage::LogPosition end = call.dependencies().engine.LogEnd();
  response->mutable_log_end()->set_log(end.log);
  response->mutable_log_end()->set_generation(end.generation);
  response->mutable_log_end()->set_index(end.index);
  response->set_rewrap_backlog(call.dependencies().rotator.backlog());
  FillTime(call.now_micros(), response->mutable_time());
  return call.Answer(response);
}

}  // namespace piivault::vault
