#include "vault/service/method_table.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace piivault::vault {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::MessageFactory;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

bool CarriesReceipt(const Descriptor& response) {
  const FieldDescriptor* field = response.FindFieldByNumber(kReceiptField);
  return field != nullptr && !field->is_repeated() && field->message_type() != nullptr &&
         field->message_type()->full_name() == "piivault.v1.Receipt";
}

}  // namespace

absl::Status MethodTable::AddService(std::string_view service) {
  const std::string name(service);
  const ServiceDescriptor* descriptor = DescriptorPool::generated_pool()->FindServiceByName(name);
  if (descriptor == nullptr) return absl::NotFoundError(absl::StrCat("no service ", name));
  for (int i = 0; i < descriptor->method_count(); ++i) {
    const MethodDescriptor& method = *descriptor->method(i);
    MethodInfo info;
    info.name = absl::StrCat(name, "/", method.name());
    info.service = name;
    info.streaming = method.server_streaming();
    info.paged = method.input_type()->FindFieldByName("page_size") != nullptr;
    info.descriptor = &method;
    if (Find(info.name) != nullptr) return absl::AlreadyExistsError(info.name);
    if (method.client_streaming()) {
      return absl::InvalidArgumentError(absl::StrCat(info.name, " takes a stream of requests"));
    }
    if (!CarriesReceipt(*method.output_type())) {
      return absl::InvalidArgumentError(absl::StrCat(info.name, "'s response has no receipt"));
    }
    MessageFactory* factory = MessageFactory::generated_factory();
    info.request_prototype = factory->GetPrototype(method.input_type());
    info.response_prototype = factory->GetPrototype(method.output_type());
    methods_.push_back(std::move(info));
  }
  return absl::OkStatus();
}

absl::Status MethodTable::Register(std::string_view name, MethodInfo::Factory factory, bool works) {
  const auto found = std::find_if(methods_.begin(), methods_.end(),
                                  [&](const MethodInfo& info) { return info.name == name; });
  if (found == methods_.end()) {
    return absl::NotFoundError(absl::StrCat("no method ", std::string(name)));
  }
  if (found->factory != nullptr) return absl::AlreadyExistsError(found->name);
  found->factory = std::move(factory);
  found->works = works;
  return absl::OkStatus();
}

const MethodInfo* MethodTable::Find(std::string_view name) const {
  const auto found = std::find_if(methods_.begin(), methods_.end(),
                                  [&](const MethodInfo& info) { return info.name == name; });
  return found == methods_.end() ? nullptr : &*found;
}

}  // namespace piivault::vault
