#include "vault/keys/record_codec.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "vault/keys/byte_io.h"
#include "vault/keys/data_key_wrap.h"
#include "vault/keys/padding.h"
#include "vault/keys/sealed_row.h"
#include "vault/wire_reader.h"

namespace piivault::vault {
namespace {

using storage::v1::EarlierValue;
using storage::v1::FieldHeader;
using storage::v1::RecordHeader;

constexpr uint8_t kFormat = 1;
// Suite 1: data keys wrapped with XAES-256-GCM, parts with AES-256-GCM and the ordinal as nonce,
// padding to 16. The associated data's label speaks of both.
constexpr uint8_t kSuite = 1;
constexpr std::string_view kLabel = "piivault record part 1.1";
// One more member of an important part's associated data.
constexpr std::string_view kImportantMember = "important";
// And one of an earlier value's, behind that.
constexpr std::string_view kEarlierMember = "earlier";
constexpr size_t kMaxFields = std::numeric_limits<uint16_t>::max() - 1;

bool TokenSizeFits(size_t size) { return size == 0 || size == storage::Id128::kSize; }

absl::Status CheckWrite(const RecordHeader& header, absl::Span<const std::string_view> values,
                        absl::Span<const std::string_view> earlier) {
  const auto count = static_cast<size_t>(header.fields_size());
  if (count != values.size() || static_cast<size_t>(header.earlier_size()) != earlier.size()) {
    return absl::InvalidArgumentError("as many values as fields are needed");
  }
  if (count + earlier.size() > kMaxFields)
    return absl::InvalidArgumentError("a record has too many fields");
  for (const FieldHeader& field : header.fields()) {
    if (field.name().empty()) return absl::InvalidArgumentError("a field has no name");
    if (!TokenSizeFits(field.token().size()))
      return absl::InvalidArgumentError("a field's token is not 16 bytes");
  }
  for (const EarlierValue& value : header.earlier()) {
    if (value.name().empty()) return absl::InvalidArgumentError("an earlier value has no name");
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
  for (EarlierValue& value : *header->mutable_earlier()) value.set_ordinal(++ordinal);
  return ordinal;
}

bool HasImportantValue(const RecordHeader& header) {
  return std::any_of(
             header.fields().begin(), header.fields().end(),
             [](const FieldHeader& field) { return field.important() && !field.absent(); }) ||
         std::any_of(header.earlier().begin(), header.earlier().end(),
                     [](const EarlierValue& value) { return value.important(); });
}

void AppendPart(AesGcmKey& key, uint32_t ordinal, std::string_view aad, std::string_view plaintext,
                std::string* row) {
  const SecretBytes padded = Pad(plaintext);
  AppendU32(static_cast<uint32_t>(padded.size() + kGcmTagSize), row);
  key.Seal(OrdinalNonce(ordinal), aad, padded.view(), row);
}

}  // namespace

PartContext::PartContext(const storage::Id128& vault_id, const RecordIdentity& identity)
    : members_(kLabel) {
  members_.Add(vault_id.view())
      .AddU64(identity.tenant)
      .Add(identity.subject.view())
      .Add(identity.record.view());
  shared_ = members_.view().size();
}

std::string_view PartContext::Of(std::string_view type, std::string_view field, uint64_t version,
                                 std::string_view token, KeyClass key_class, bool earlier) {
  members_.Truncate(shared_);
  members_.Add(type).Add(field).AddU64(version).Add(token);
  if (key_class == KeyClass::kImportant) members_.Add(kImportantMember);
  if (earlier) members_.Add(kEarlierMember);
  return members_.view();
}

absl::StatusOr<EncryptedRecord> EncryptRecord(const KeySnapshot& keys, RandomSource& random,
                                              const RecordIdentity& identity, uint64_t version,
                                              RecordHeader* header,
                                              absl::Span<const std::string_view> values,
                                              absl::Span<const std::string_view> earlier) {
  if (absl::Status status = CheckWrite(*header, values, earlier); !status.ok()) return status;
  const TenantKeys* const tenant = keys.ActiveTenant(identity.tenant);
  if (tenant == nullptr) {
    return absl::FailedPreconditionError("the tenant has no key in the active epoch");
  }
  header->set_version(version);
  const uint16_t present = NumberFields(header);

  EncryptedRecord record;
  record.epoch = tenant->epoch;
  record.row.push_back(static_cast<char>(kFormat));
  record.row.push_back(static_cast<char>(kSuite));
  AppendU64(version, &record.row);
  AppendU16(static_cast<uint16_t>(present + 1), &record.row);

  const SecretBytes data_key = random.Bytes(kAesKeySize);
  AesGcmKey normal(data_key.view());
  SecretBytes important_key;
  std::optional<AesGcmKey> important;
  if (HasImportantValue(*header)) {
    important_key = random.Bytes(kAesKeySize);
    important.emplace(important_key.view());
  }
  const storage::Id128& vault = keys.vault_id();
  PartContext context(vault, identity);
  AppendPart(normal, 0, context.Of("", "", version, ""), SerializeSecret(*header).view(),
             &record.row);
  for (int i = 0; i < header->fields_size(); ++i) {
    const FieldHeader& field = header->fields(i);
    if (field.absent()) continue;
    AppendPart(field.important() ? *important : normal, field.ordinal(),
               context.Of(header->type(), field.name(), version, field.token(),
                          KeyClassOf(field.important())),
               values[static_cast<size_t>(i)], &record.row);
  }
  for (int i = 0; i < header->earlier_size(); ++i) {
    const EarlierValue& value = header->earlier(i);
    AppendPart(
        value.important() ? *important : normal, value.ordinal(),
        context.Of(header->type(), value.name(), version, "", KeyClassOf(value.important()), true),
        earlier[static_cast<size_t>(i)], &record.row);
  }
  record.wrap_row = WrapDataKey(vault, *tenant, random, identity.subject, identity.record, version,
                                data_key, important.has_value() ? &important_key : nullptr);
  record.digest = RecordDigest(record.row);
  return record;
}

absl::StatusOr<uint64_t> RecordReader::PeekVersion(std::string_view row) {
  if (TakeU8(&row) != kFormat || TakeU8(&row) != kSuite) return DecryptionFailed();
  const std::optional<uint64_t> version = TakeU64(&row);
  if (!version.has_value()) return DecryptionFailed();
  return *version;
}

RecordReader::RecordReader(AesGcmKey key, const KeySnapshot& keys, const RecordIdentity& identity,
                           Parts parts)
    : key_(std::move(key)), context_(keys.vault_id(), identity), parts_(std::move(parts)) {}

RecordReader::~RecordReader() {
  if (header_ != nullptr && !header_->ref().empty()) Wipe(header_->mutable_ref());
}

bool RecordReader::ParseRow(std::string_view row, uint64_t* version, Parts* parts) {
  if (TakeU8(&row) != kFormat || TakeU8(&row) != kSuite) return false;
  const std::optional<uint64_t> number = TakeU64(&row);
  const std::optional<uint16_t> count = TakeU16(&row);
  if (!count.has_value() || *count == 0) return false;
  *version = *number;
  for (uint16_t i = 0; i < *count; ++i) {
    const std::optional<uint32_t> size = TakeU32(&row);
    if (!size.has_value()) return false;
    const std::optional<std::string_view> part = TakeBytes(*size, &row);
    if (!part.has_value()) return false;
    parts->push_back(*part);
  }
  return row.empty();
}

absl::StatusOr<RecordReader> RecordReader::Open(const KeySnapshot& keys,
                                                const RecordIdentity& identity,
                                                std::string_view row, std::string_view wrap_row) {
  uint64_t version = 0;
  Parts parts;
  if (!ParseRow(row, &version, &parts)) return DecryptionFailed();
  auto data_key =
      UnwrapDataKey(keys, identity.tenant, identity.subject, identity.record, version, wrap_row);
  if (!data_key.ok()) return data_key.status();
  RecordReader reader(AesGcmKey(data_key->view()), keys, identity, std::move(parts));
  reader.version_ = version;
  if (HasImportantKey(wrap_row)) {
    reader.important_ =
        std::make_unique<Important>(Important{keys, identity, std::string(wrap_row), std::nullopt});
  }
  auto header = reader.OpenPart(reader.key_, "", RecordField());
  if (!header.ok()) return header.status();
  reader.header_bytes_ = *std::move(header);
  if (!reader.IndexHeader(version)) return DecryptionFailed();
  return reader;
}

absl::StatusOr<SecretBytes> RecordReader::OpenPart(AesGcmKey& key, std::string_view type,
                                                   const RecordField& field) {
  auto plaintext =
      key.Open(OrdinalNonce(field.ordinal),
               context_.Of(type, field.name, version_, field.token, field.key_class, field.earlier),
               parts_[field.ordinal]);
  if (!plaintext.ok()) return plaintext.status();
  if (!Unpad(&*plaintext)) return DecryptionFailed();
  return plaintext;
}

absl::Status RecordReader::UnwrapImportant() {
  if (important_ == nullptr) return DecryptionFailed();
  if (important_->key.has_value()) return absl::OkStatus();
  const RecordIdentity& identity = important_->identity;
  auto key = UnwrapImportantKey(important_->keys, identity.tenant, identity.subject,
                                identity.record, version_, important_->wrap_row);
  if (!key.ok()) return key.status();
  important_->key.emplace(key->view());
  return absl::OkStatus();
}

RecordReader::Place RecordReader::PlaceOf(std::string_view view) const {
  if (view.empty()) return {};
  return {static_cast<uint32_t>(view.data() - header_bytes_.view().data()),
          static_cast<uint32_t>(view.size())};
}

bool RecordReader::IndexHeader(uint64_t version) {
  uint64_t said = 0;
  WireReader header(header_bytes_.view());
  while (header.Next()) {
    switch (header.number()) {
      case RecordHeader::kTypeFieldNumber:
        type_ = PlaceOf(header.bytes());
        break;
      case RecordHeader::kVersionFieldNumber:
        said = header.varint();
        break;
      case RecordHeader::kRecordRefFieldNumber:
        record_ref_ = PlaceOf(header.bytes());
        break;
      case RecordHeader::kFieldsFieldNumber:
        if (!IndexField(header.bytes())) return false;
        break;
      case RecordHeader::kEarlierFieldNumber:
        if (!IndexEarlier(header.bytes())) return false;
        break;
      default:
        break;
    }
  }
  if (!header.ok() || said != version) return false;
  uint32_t ordinal = 0;
  bool has_important = false;
  for (const FieldPlace& field : fields_) {
    if (field.ordinal != (field.absent ? 0 : ++ordinal)) return false;
    has_important |= !field.absent && field.key_class == KeyClass::kImportant;
  }
  for (const EarlierPlace& value : earlier_) {
    if (value.ordinal != ++ordinal) return false;
    has_important |= value.key_class == KeyClass::kImportant;
  }
  return ordinal + 1 == parts_.size() && has_important == (important_ != nullptr);
}

bool RecordReader::IndexField(std::string_view bytes) {
  FieldPlace place;
  WireReader field(bytes);
  while (field.Next()) {
    switch (field.number()) {
      case FieldHeader::kNameFieldNumber:
        place.name = PlaceOf(field.bytes());
        break;
      case FieldHeader::kOrdinalFieldNumber:
        place.ordinal = static_cast<uint32_t>(field.varint());
        break;
      case FieldHeader::kTokenFieldNumber:
        place.token = PlaceOf(field.bytes());
        break;
      case FieldHeader::kTokenKindFieldNumber:
        place.token_kind = static_cast<int>(field.varint());
        break;
      case FieldHeader::kAbsentFieldNumber:
        place.absent = field.varint() != 0;
        break;
      case FieldHeader::kImportantFieldNumber:
        place.key_class = KeyClassOf(field.varint() != 0);
        break;
      case FieldHeader::kOneWayFieldNumber:
        place.one_way = field.varint() != 0;
        break;
      default:
        break;
    }
  }
  fields_.push_back(place);
  return field.ok() && place.name.size > 0 && TokenSizeFits(place.token.size);
}

bool RecordReader::IndexEarlier(std::string_view bytes) {
  EarlierPlace place;
  bool named = false;
  WireReader value(bytes);
  while (value.Next()) {
    switch (value.number()) {
      case EarlierValue::kNameFieldNumber:
        named = !value.bytes().empty();
        break;
      case EarlierValue::kOrdinalFieldNumber:
        place.ordinal = static_cast<uint32_t>(value.varint());
        break;
      case EarlierValue::kImportantFieldNumber:
        place.key_class = KeyClassOf(value.varint() != 0);
        break;
      default:
        break;
    }
  }
  earlier_.push_back(place);
  return value.ok() && named;
}

std::optional<RecordField> RecordReader::Field(std::string_view name) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (View(fields_[i].name) == name) return FieldAt(i);
  }
  return std::nullopt;
}

RecordField RecordReader::FieldAt(size_t i) const {
  const FieldPlace& field = fields_[i];
  return {View(field.name),
          View(field.token),
          static_cast<storage::v1::TokenKind>(field.token_kind),
          field.ordinal,
          field.absent,
          field.key_class,
          field.one_way,
          false};
}

const RecordHeader& RecordReader::header() const {
  if (header_ == nullptr) {
    header_ = std::make_unique<RecordHeader>();
    const std::string_view bytes = header_bytes_.view();
    // It was sealed from a message, so it is one; a header without type and fields grants nothing.
    if (!header_->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) header_->Clear();
  }
  return *header_;
}

const FieldHeader* RecordReader::FindField(std::string_view name) const {
  for (const FieldHeader& field : header().fields()) {
    if (field.name() == name) return &field;
  }
  return nullptr;
}

absl::StatusOr<SecretBytes> RecordReader::DecryptField(const RecordField& field) {
  if (field.absent) return absl::NotFoundError("the field has no value");
  if (field.ordinal == 0 || field.ordinal >= parts_.size()) return DecryptionFailed();
  if (field.key_class == KeyClass::kNormal) return OpenPart(key_, type(), field);
  if (absl::Status status = UnwrapImportant(); !status.ok()) return status;
  return OpenPart(*important_->key, type(), field);
}

}  // namespace piivault::vault
