#include "runtime/support/greeting.h"

#include <cstring>
#include <stdexcept>

#include <capnp/message.h>
#include <capnp/serialize.h>

#include "runtime/support/greeting.capnp.h"

namespace ferry::support {

std::string encode_greeting(const Greeting& greeting) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::Greeting>();
  root.setMessageBytes(greeting.message_bytes);
  root.setWindowBytes(greeting.window_bytes);
  root.setCallsInFlight(greeting.calls_in_flight);
  auto services = root.initServices(static_cast<unsigned>(greeting.services.size()));
  for (unsigned i = 0; i < services.size(); ++i) {
    const ServiceEntry& entry = greeting.services[i];
    services[i].setInstance(entry.instance);
    services[i].setName(entry.name.c_str());
    services[i].setInterfaceName(entry.interface_name.c_str());
    auto interfaces = services[i].initInterfaces(static_cast<unsigned>(entry.interfaces.size()));
    for (unsigned j = 0; j < interfaces.size(); ++j) interfaces.set(j, entry.interfaces[j]);
  }
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

namespace {

Greeting read(wire::Greeting::Reader root) {
  Greeting greeting;
  greeting.message_bytes = root.getMessageBytes();
  greeting.window_bytes = root.getWindowBytes();
  greeting.calls_in_flight = root.getCallsInFlight();
  const auto services = root.getServices();
  // Before anything is made of them: a list of empty structs claims any number in no bytes.
  if (services.size() > limits::kServices) {
    throw std::length_error("it lists " + std::to_string(services.size()) +
                            " services, over the limit of " + std::to_string(limits::kServices));
  }
  for (auto service : services) {
    ServiceEntry entry;
    entry.instance = service.getInstance();
    entry.name = service.getName().cStr();
    entry.interface_name = service.getInterfaceName().cStr();
    for (const std::uint64_t id : service.getInterfaces()) entry.interfaces.push_back(id);
    greeting.services.push_back(std::move(entry));
  }
  return greeting;
}

}  // namespace

Result<Greeting> decode_greeting(std::string_view bytes) {
  if (bytes.size() % sizeof(capnp::word) != 0) {
    return Status::invalid_argument("the peer's greeting is not whole words");
  }
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  if (!bytes.empty()) std::memcpy(words.begin(), bytes.data(), bytes.size());
  try {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 2 * words.size() + 64;
    capnp::FlatArrayMessageReader message(words, options);
    Greeting greeting = read(message.getRoot<wire::Greeting>());
    if (greeting.window_bytes == 0 || greeting.calls_in_flight == 0) {
      return Status::invalid_argument("the peer's greeting has a limit of zero");
    }
    return greeting;
  } catch (const kj::Exception& error) {
    return Status::invalid_argument(std::string("the peer's greeting cannot be read: ") +
                                    error.getDescription().cStr());
  } catch (const std::exception& error) {
    return Status::invalid_argument(std::string("the peer's greeting cannot be read: ") +
                                    error.what());
  }
}

}  // namespace ferry::support
