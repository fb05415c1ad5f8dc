#include "vault/state/idempotency.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "authz/reason.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "piivault/storage/v1/state.pb.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/keys/sealed_row.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

// Length-prefixed, so that no two lists of parts read the same.
void AppendPart(std::string_view part, std::string* out) {
  const uint64_t size = part.size();
  for (int shift = 56; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>((size >> shift) & 0xff));
  }
  out->append(part);
}

storage::Key RowKey(const KeySnapshot& keys, std::string_view principal, std::string_view method,
                    std::string_view request_id) {
  std::string input("piivault request id v1");
  for (std::string_view part : {principal, method, request_id}) AppendPart(part, &input);
  const HmacKey::Tag tag = keys.request().Compute(input);
  storage::IndexDigest digest;
  std::copy_n(tag.begin(), digest.size(), digest.begin());
  return storage::RequestKey(digest);
}

// HMAC of the canonical request: serialized with map entries in order.
std::string RequestHmac(const KeySnapshot& keys, const google::protobuf::MessageLite& request) {
  std::string input("piivault request v1");
  // Room for all of it, so that growth leaves no copies of values behind.
  input.reserve(input.size() + request.ByteSizeLong() + 64);
  {
    google::protobuf::io::StringOutputStream stream(&input);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&coded);
  }
  const HmacKey::Tag tag = keys.request().Compute(input);
  Wipe(&input);
  return std::string(tag.begin(), tag.end());
}

}  // namespace

absl::StatusOr<RequestRecord> RequestRecord::Find(
    const storage::Engine& engine, const KeySnapshot& keys, std::string_view principal,
    std::string_view method, std::string_view request_id,
    const google::protobuf::MessageLite& request, absl::Time now) {
  if (request_id.empty() || request_id.size() > kMaxRequestIdSize ||
      !std::all_of(request_id.begin(), request_id.end(),
                   [](unsigned char c) { return absl::ascii_isgraph(c); })) {
    return authz::ReasonStatus(authz::Reason::kMalformedRequest);
  }
  RequestRecord record;
  record.key = RowKey(keys, principal, method, request_id);
  record.cell = storage::CellFingerprint(record.key);
  record.request_hmac = RequestHmac(keys, request);

  absl::StatusOr<std::string> value = engine.Get(record.key);
  if (absl::IsNotFound(value.status())) return record;
  if (!value.ok()) return value.status();
  auto row = OpenRow<storage::v1::RequestRow>(keys, record.key, *value);
  if (!row.ok()) return row.status();
  record.row_version = row->version;
  if (absl::FromUnixMicros(row->message.expire_time_micros()) <= now) return record;
  if (!ConstantTimeEquals(row->message.request_hmac(), record.request_hmac)) {
    return authz::ReasonStatus(authz::Reason::kRequestIdReused);
  }
  record.response = row->message.response();
  return record;
}

storage::Mutation RequestRecord::Remember(const KeySnapshot& keys, RandomSource& random,
                                          const google::protobuf::MessageLite& answer,
                                          absl::Time now) const {
  storage::v1::RequestRow row;
  row.set_request_hmac(request_hmac);
  answer.SerializeToString(row.mutable_response());
  row.set_expire_time_micros(absl::ToUnixMicros(now + kRequestIdLifetime));
  return {key, SealRow(keys, random, key, row_version + 1, row)};
}

}  // namespace piivault::vault
