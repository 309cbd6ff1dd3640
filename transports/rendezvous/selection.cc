#include "transports/rendezvous/selection.h"

#include <algorithm>
#include <utility>

namespace ferry::transports {

Selection::Selection(const ServerPolicy& policy, const Peer& peer, std::vector<std::string> wanted)
    : policy_(policy), wanted_(std::move(wanted)) {
  set_up_.peer = peer;
  set_up_.ring_bytes = policy.ring_bytes;
  set_up_.rendezvous = policy.rendezvous;
}

std::optional<Selection::Candidate> Selection::next() {
  while (next_ < wanted_.size()) {
    auto candidate = make(wanted_[next_]);
    ++next_;
    if (candidate) return std::move(*candidate);
    passed_over(candidate.status());
  }
  return std::nullopt;
}

void Selection::passed_over(Status why) {
  skipped_.push_back({wanted_[next_ - 1], std::move(why)});
}

Result<Selection::Candidate> Selection::make(std::string_view name) const {
  const auto found = std::find_if(policy_.offered.begin(), policy_.offered.end(),
                                  [name](const Transport* one) { return one->name() == name; });
  if (found == policy_.offered.end()) {
    const std::string text(name);
    return Status::failed_precondition(find_transport(name) == nullptr
                                           ? "the server knows no transport \"" + text + "\""
                                           : "the server does not offer " + text + ": " +
                                                 policy_.restriction);
  }
  Candidate candidate;
  candidate.transport = *found;
  if (Status denied = candidate.transport->permits(set_up_.peer); !denied.ok()) return denied;
  if (candidate.transport->wait_mode() == WaitMode::kThread && policy_.take_thread) {
    auto place = policy_.take_thread();
    if (!place) return place.status();
    candidate.thread_place = std::move(*place);
  }
  auto offer = candidate.transport->offer(set_up_);
  if (!offer) return offer.status();
  if ((*offer)->descriptors().size() > limits::kOfferDescriptors) {
    return Status::internal("an offer of " + std::string(name) + " has more descriptors than " +
                            std::to_string(limits::kOfferDescriptors));
  }
  candidate.offer = std::move(*offer);
  return candidate;
}

Status Selection::refusal() const { return refusal_of(skipped_); }

Status refusal_of(const std::vector<Skip>& skipped) {
  if (skipped.empty()) return Status::invalid_argument("no transport was asked for");
  if (skipped.size() == 1) return skipped.front().why;
  std::string text = "none of the transports asked for can be had";
  StatusCode code = skipped.front().why.code();
  for (const Skip& skip : skipped) {
    text += "; " + skip.transport + ": " + skip.why.message();
    // Reasons differ: what may pass with time decides, so that a caller may try again.
    if (code != skip.why.code()) {
      const bool exhausted = code == StatusCode::kResourceExhausted ||
                             skip.why.code() == StatusCode::kResourceExhausted;
      code = exhausted ? StatusCode::kResourceExhausted : StatusCode::kFailedPrecondition;
    }
  }
  return {code, std::move(text)};
}

std::string explain(const std::vector<Skip>& skipped, std::string_view chosen,
                    const std::vector<std::string>& wanted) {
  std::string text;
  for (const Skip& skip : skipped) {
    text += skip.transport + " was passed over: " + skip.why.to_string() + "\n";
  }
  text += std::string(chosen) + " carries the calls: ";
  if (wanted.size() == 1) {
    text += "it is the transport asked for\n";
    return text;
  }
  text += "it is the first in the order ";
  for (std::size_t i = 0; i < wanted.size(); ++i) text += (i == 0 ? "" : ", ") + wanted[i];
  return text + " that both sides can do\n";
}

}  // namespace ferry::transports
