#include "vault/audit/counted_entry.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>

namespace piivault::vault {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;
using storage::v1::EntryBody;

bool IsCommon(const Reflection& reflection, const FieldDescriptor& field, const EntryBody& one,
              const EntryBody& other) {
  std::string scratch;
  std::string other_scratch;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetStringReference(one, &field, &scratch) ==
             reflection.GetStringReference(other, &field, &other_scratch);
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.GetEnumValue(one, &field) == reflection.GetEnumValue(other, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(one, &field) == reflection.GetBool(other, &field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.GetUInt64(one, &field) == reflection.GetUInt64(other, &field);
    default:
      return false;
  }
}

// By reflection, so that a field which is added to entries later is not told of all by mistake.
void KeepCommon(const EntryBody& other, EntryBody* body) {
  const google::protobuf::Descriptor& descriptor = *EntryBody::descriptor();
  const Reflection& reflection = *body->GetReflection();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const int number = field.number();
    // A decision is never absent; time and count are no calls' own.
    if (field.is_repeated() || number == EntryBody::kDecisionFieldNumber ||
        number == EntryBody::kTimeMicrosFieldNumber || number == EntryBody::kCountFieldNumber) {
      continue;
    }
    if (!IsCommon(reflection, field, *body, other)) reflection.ClearField(body, &field);
  }
}

}  // namespace

void CountedEntry::Add(const EntryBody& body) {
  const uint64_t calls = std::max<uint64_t>(body.count(), 1);
  if (body_.count() == 0) {
    body_ = body;
    body_.clear_items();
    body_.set_count(calls);
  } else {
    KeepCommon(body, &body_);
    body_.set_count(body_.count() + calls);
  }
  for (const storage::v1::EntryItem& item : body.items()) AddItem(item);
}

void CountedEntry::AddItem(const storage::v1::EntryItem& item) {
  if (body_.items_size() >= kMaxItems || item_bytes_ >= kMaxItemBytes) return;
  std::string bytes = item.SerializeAsString();
  if (item_bytes_ + bytes.size() > kMaxItemBytes) return;
  const size_t size = bytes.size();
  if (!items_.insert(std::move(bytes)).second) return;
  item_bytes_ += size;
  *body_.add_items() = item;
}

EntryBody CountedEntry::Finish(absl::Time time) const {
  EntryBody body = body_;
  body.set_time_micros(absl::ToUnixMicros(time));
  return body;
}

}  // namespace piivault::vault
