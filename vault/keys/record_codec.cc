#include "vault/keys/record_codec.h"

#include <limits>
#include <utility>

#include "vault/keys/byte_io.h"
#include "vault/keys/data_key_wrap.h"
#include "vault/keys/padding.h"
#include "vault/keys/sealed_row.h"

namespace piivault::vault {
namespace {

using storage::v1::FieldHeader;
using storage::v1::RecordHeader;

constexpr uint8_t kFormat = 1;
// Suite 1: data key wrapped with XAES-256-GCM, parts with AES-256-GCM and the ordinal as nonce,
// padding to 16. The associated data's label speaks of both.
constexpr uint8_t kSuite = 1;
constexpr std::string_view kLabel = "piivault record part 1.1";
constexpr size_t kMaxFields = std::numeric_limits<uint16_t>::max() - 1;

// The header is the part without type, field and token: its reader learns them from it.
MemberList AssociatedData(const storage::Id128& vault_id, const RecordIdentity& identity,
                          std::string_view type, std::string_view field, uint64_t version,
                          std::string_view token) {
  MemberList members(kLabel);
  members.Add(vault_id.view())
      .AddU64(identity.tenant)
      .Add(identity.subject.view())
      .Add(identity.record.view())
      .Add(type)
      .Add(field)
      .AddU64(version)
      .Add(token);
  return members;
}

bool TokenFits(const FieldHeader& field) {
  return field.token().empty() || field.token().size() == storage::Id128::kSize;
}

absl::Status CheckWrite(const RecordHeader& header, absl::Span<const std::string_view> values) {
  const auto count = static_cast<size_t>(header.fields_size());
  if (count != values.size()) {
    return absl::InvalidArgumentError("as many values as fields are needed");
  }
  if (count > kMaxFields) return absl::InvalidArgumentError("a record has too many fields");
  for (const FieldHeader& field : header.fields()) {
    if (field.name().empty()) return absl::InvalidArgumentError("a field has no name");
    if (!TokenFits(field)) return absl::InvalidArgumentError("a field's token is not 16 bytes");
  }
  return absl::OkStatus();
}

uint16_t NumberFields(RecordHeader* header) {
  uint16_t ordinal = 0;
  for (FieldHeader& field : *header->mutable_fields()) {
    if (field.absent()) {
      field.clear_ordinal();
    } else {
      field.set_ordinal(++ordinal);
    }
  }
  return ordinal;
}

// The parts of one version, appended to its row.
class PartWriter {
 public:
  PartWriter(AesGcmKey key, std::string* row) : key_(std::move(key)), row_(row) {}

  void Append(uint32_t ordinal, std::string_view aad, std::string_view plaintext) {
    const SecretBytes padded = Pad(plaintext);
    AppendU32(static_cast<uint32_t>(padded.size() + kGcmTagSize), row_);
    key_.Seal(OrdinalNonce(ordinal), aad, padded.view(), row_);
  }

 private:
  AesGcmKey key_;
  std::string* const row_;
};

struct ParsedRow {
  uint64_t version = 0;
  std::vector<std::string_view> parts;
};

absl::StatusOr<ParsedRow> ParseRow(std::string_view row) {
  if (TakeU8(&row) != kFormat || TakeU8(&row) != kSuite) return DecryptionFailed();
  const std::optional<uint64_t> version = TakeU64(&row);
  const std::optional<uint16_t> count = TakeU16(&row);
  if (!count.has_value() || *count == 0) return DecryptionFailed();
  ParsedRow parsed{*version, {}};
  parsed.parts.reserve(*count);
  for (uint16_t i = 0; i < *count; ++i) {
    const std::optional<uint32_t> size = TakeU32(&row);
    if (!size.has_value()) return DecryptionFailed();
    const std::optional<std::string_view> part = TakeBytes(*size, &row);
    if (!part.has_value()) return DecryptionFailed();
    parsed.parts.push_back(*part);
  }
  if (!row.empty()) return DecryptionFailed();
  return parsed;
}

absl::StatusOr<SecretBytes> OpenPart(AesGcmKey& key, uint32_t ordinal, std::string_view aad,
                                     std::string_view sealed) {
  auto plaintext = key.Open(OrdinalNonce(ordinal), aad, sealed);
  if (!plaintext.ok()) return plaintext.status();
  if (!Unpad(&*plaintext)) return DecryptionFailed();
  return plaintext;
}

// Whether the header describes exactly the parts that are there.
bool Describes(const RecordHeader& header, const ParsedRow& row) {
  if (header.version() != row.version) return false;
  uint32_t ordinal = 0;
  for (const FieldHeader& field : header.fields()) {
    if (field.name().empty() || !TokenFits(field)) return false;
    if (field.ordinal() != (field.absent() ? 0 : ++ordinal)) return false;
  }
  return ordinal + 1 == row.parts.size();
}

}  // namespace

absl::StatusOr<EncryptedRecord> EncryptRecord(const KeySnapshot& keys, RandomSource& random,
                                              const RecordIdentity& identity, uint64_t version,
                                              RecordHeader header,
                                              absl::Span<const std::string_view> values) {
  if (absl::Status status = CheckWrite(header, values); !status.ok()) return status;
  const TenantKeys* const tenant = keys.ActiveTenant(identity.tenant);
  if (tenant == nullptr) {
    return absl::FailedPreconditionError("the tenant has no key in the active epoch");
  }
  header.set_version(version);
  const uint16_t present = NumberFields(&header);

  EncryptedRecord record;
  record.epoch = tenant->epoch;
  record.row.push_back(static_cast<char>(kFormat));
  record.row.push_back(static_cast<char>(kSuite));
  AppendU64(version, &record.row);
  AppendU16(static_cast<uint16_t>(present + 1), &record.row);

  const SecretBytes data_key = random.Bytes(kAesKeySize);
  PartWriter parts(AesGcmKey(data_key.view()), &record.row);
  const storage::Id128& vault = keys.vault_id();
  parts.Append(0, AssociatedData(vault, identity, "", "", version, "").view(),
               SerializeSecret(header).view());
  for (int i = 0; i < header.fields_size(); ++i) {
    const FieldHeader& field = header.fields(i);
    if (field.absent()) continue;
    parts.Append(
        field.ordinal(),
        AssociatedData(vault, identity, header.type(), field.name(), version, field.token()).view(),
        values[static_cast<size_t>(i)]);
  }
  Wipe(header.mutable_ref());
  record.wrap_row =
      WrapDataKey(vault, *tenant, random, identity.subject, identity.record, version, data_key);
  record.digest = RecordDigest(record.row);
  return record;
}

absl::StatusOr<uint64_t> RecordReader::PeekVersion(std::string_view row) {
  if (TakeU8(&row) != kFormat || TakeU8(&row) != kSuite) return DecryptionFailed();
  const std::optional<uint64_t> version = TakeU64(&row);
  if (!version.has_value()) return DecryptionFailed();
  return *version;
}

RecordReader::RecordReader(AesGcmKey key, const storage::Id128& vault_id,
                           const RecordIdentity& identity)
    : key_(std::move(key)), vault_id_(vault_id), identity_(identity) {}

RecordReader::~RecordReader() {
  if (!header_.ref().empty()) Wipe(header_.mutable_ref());
}

absl::StatusOr<RecordReader> RecordReader::Open(const KeySnapshot& keys,
                                                const RecordIdentity& identity,
                                                std::string_view row, std::string_view wrap_row) {
  auto parsed = ParseRow(row);
  if (!parsed.ok()) return parsed.status();
  auto data_key = UnwrapDataKey(keys, identity.tenant, identity.subject, identity.record,
                                parsed->version, wrap_row);
  if (!data_key.ok()) return data_key.status();
  RecordReader reader(AesGcmKey(data_key->view()), keys.vault_id(), identity);
  auto header =
      OpenPart(reader.key_, 0,
               AssociatedData(reader.vault_id_, identity, "", "", parsed->version, "").view(),
               parsed->parts[0]);
  if (!header.ok()) return header.status();
  if (!reader.header_.ParseFromArray(header->data(), static_cast<int>(header->size())) ||
      !Describes(reader.header_, *parsed)) {
    return DecryptionFailed();
  }
  reader.parts_ = std::move(parsed->parts);
  return reader;
}

const FieldHeader* RecordReader::FindField(std::string_view name) const {
  for (const FieldHeader& field : header_.fields()) {
    if (field.name() == name) return &field;
  }
  return nullptr;
}

absl::StatusOr<SecretBytes> RecordReader::DecryptField(const FieldHeader& field) {
  if (field.absent()) return absl::NotFoundError("the field has no value");
  if (field.ordinal() == 0 || field.ordinal() >= parts_.size()) return DecryptionFailed();
  return OpenPart(
      key_, field.ordinal(),
      AssociatedData(vault_id_, identity_, header_.type(), field.name(), version(), field.token())
          .view(),
      parts_[field.ordinal()]);
}

}  // namespace piivault::vault
