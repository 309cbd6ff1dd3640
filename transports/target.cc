#include "transports/target.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <sys/un.h>
#include <utility>

#include "transports/transport.h"

namespace ferry::transports {

namespace {

// sun_path ends with a NUL when it is a path (unix(7)).
constexpr std::size_t kPathBytes = sizeof(sockaddr_un::sun_path) - 1;

// A misspelling is this many edits away at most.
constexpr std::size_t kNearEnough = 2;

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

Status bad(std::string_view text, std::string_view why) {
  return Status::invalid_argument("target " + quoted(text) + ": " + std::string(why));
}

// Edits (insert, delete, replace) that make `to` of `from`.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

std::vector<std::string_view> transport_names() {
  std::vector<std::string_view> names;
  for (const Transport* transport : all_transports()) names.push_back(transport->name());
  return names;
}

// "unknown transport "shmm"; did you mean "shm"? accepted: ..."
std::string unknown(std::string_view what, const std::vector<std::string_view>& accepted) {
  std::string text = "unknown transport " + quoted(what);
  const auto nearest = std::min_element(accepted.begin(), accepted.end(), [what](auto a, auto b) {
    return distance(what, a) < distance(what, b);
  });
  // "mq" is two edits from any word of two letters: the guess must keep at least one letter.
  if (nearest != accepted.end() &&
      distance(what, *nearest) <= std::min(kNearEnough, nearest->size() - 1)) {
    text += "; did you mean " + quoted(*nearest) + "?";
  } else {
    text += ";";
  }
  text += " accepted are";
  const char* separator = " ";
  for (std::string_view name : accepted) {
    text += separator;
    text += name;
    separator = ", ";
  }
  return text;
}

std::optional<Status> set_path(Target& target, std::string_view path) {
  if (path.empty()) {
    return bad(target.text, "the path is empty; give the path of a socket, or a name without '/'");
  }
  if (path.find('\0') != std::string_view::npos) return bad(target.text, "the path has a NUL byte");
  if (path.back() == '/') return bad(target.text, "the path ends with '/': a socket is a file");
  target.path = path;
  if (path.find('/') == std::string_view::npos) {
    const char* directory = std::getenv("XDG_RUNTIME_DIR");
    if (directory == nullptr || directory[0] != '/') {
      return Status::failed_precondition(
          "target " + quoted(target.text) + ": the name " + quoted(path) +
          " stands for a socket below $XDG_RUNTIME_DIR, which is not set to an absolute path; set "
          "it, or give a path with '/'");
    }
    target.path = std::string(directory) + "/ferry/" + std::string(path) + ".sock";
    target.runtime_directory = true;
  }
  if (target.path.size() > kPathBytes) {
    return bad(target.text, "the path " + quoted(target.path) + " has " +
                                std::to_string(target.path.size()) +
                                " bytes; a local socket's name has at most " +
                                std::to_string(kPathBytes) + " (sockaddr_un, unix(7))");
  }
  return std::nullopt;
}

std::optional<Status> set_order(Target& target, std::string_view list) {
  const auto known = transport_names();
  for (;;) {
    const std::size_t comma = list.find(',');
    const std::string_view one = list.substr(0, comma);
    if (one.empty()) {
      return bad(target.text, "order has an empty name; write order=mq,memfd,unix, say");
    }
    if (std::find(known.begin(), known.end(), one) == known.end()) {
      return bad(target.text, "order: " + unknown(one, known));
    }
    if (std::find(target.order.begin(), target.order.end(), one) != target.order.end()) {
      return bad(target.text, "order names " + quoted(one) + " twice");
    }
    target.order.emplace_back(one);
    if (comma == std::string_view::npos) return std::nullopt;
    list.remove_prefix(comma + 1);
  }
}

Result<Target> parse_auto(Target target, std::string_view rest) {
  const std::size_t question = rest.find('?');
  if (auto wrong = set_path(target, rest.substr(0, question))) return *wrong;
  if (question == std::string_view::npos) return target;
  const std::string_view option = rest.substr(question + 1);
  constexpr std::string_view kOrder = "order=";
  if (!option.starts_with(kOrder)) {
    return bad(target.text,
               "unknown option " + quoted(option) + "; accepted is order=NAME,NAME,...");
  }
  if (auto wrong = set_order(target, option.substr(kOrder.size()))) return *wrong;
  return target;
}

Result<Target> parse_descriptor(Target target, std::string_view number) {
  const char* end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, target.descriptor);
  if (number.empty() || error != std::errc() || stop != end || target.descriptor < 0) {
    return bad(target.text, quoted(number) +
                                " is not the number of a descriptor; write fd:3, say, for an "
                                "inherited socket");
  }
  target.kind = Target::Kind::kDescriptor;
  return target;
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  Target target;
  target.text = text;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return bad(text,
               text.empty()
                   ? "it is empty; write auto:PATH, say"
                   : "there is no transport in front; write auto:" + std::string(text) + ", say");
  }
  const std::string_view scheme = text.substr(0, colon);
  const std::string_view rest = text.substr(colon + 1);
  if (scheme == "auto") return parse_auto(std::move(target), rest);
  if (scheme == "fd") return parse_descriptor(std::move(target), rest);
  if (scheme == "inproc") {
    if (rest.empty()) return bad(text, "the name is empty; write inproc:NAME");
    target.kind = Target::Kind::kInproc;
    target.name = rest;
    return target;
  }
  if (find_transport(scheme) == nullptr) {
    auto accepted = transport_names();
    accepted.insert(accepted.end(), {"auto", "fd", "inproc"});
    return bad(text, unknown(scheme, accepted));
  }
  target.kind = Target::Kind::kTransport;
  target.order.emplace_back(scheme);
  if (rest.find('?') != std::string_view::npos) {
    return bad(text, "only auto: has options; '?' cannot stand in the path");
  }
  if (auto wrong = set_path(target, rest)) return *wrong;
  return target;
}

}  // namespace ferry::transports
