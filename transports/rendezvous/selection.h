// Selection: which transport one connection gets, and why not the others.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ferry/result.h>
#include <ferry/trust.h>

#include "transports/rendezvous/records.h"
#include "transports/rendezvous/server_policy.h"
#include "transports/transport.h"

namespace ferry::transports {

// The server's side: goes through the client's order, cheapest refusal first. Thread safety: none.
class Selection {
 public:
  // `peer`'s trust is the lower of both sides'. `policy` must outlive this.
  Selection(const ServerPolicy& policy, const Peer& peer, std::vector<std::string> wanted);

  struct Candidate {
    const Transport* transport = nullptr;
    std::unique_ptr<Offer> offer;
    std::shared_ptr<void> thread_place;
  };
  // Makes the next offer that can be made; none when nothing is left.
  [[nodiscard]] std::optional<Candidate> next();
  // The last offer came to nothing.
  void passed_over(Status why);

  [[nodiscard]] const std::vector<Skip>& skipped() const noexcept { return skipped_; }
  [[nodiscard]] const std::vector<std::string>& wanted() const noexcept { return wanted_; }
  // When nothing is left: the reason of the only transport asked for, or all of them.
  [[nodiscard]] Status refusal() const;

 private:
  Result<Candidate> make(std::string_view name) const;

  const ServerPolicy& policy_;
  SetUp set_up_;
  std::vector<std::string> wanted_;
  std::size_t next_ = 0;
  std::vector<Skip> skipped_;
};

// Sentences for people: a line for each transport passed over, then one for the chosen.
[[nodiscard]] std::string explain(const std::vector<Skip>& skipped, std::string_view chosen,
                                  const std::vector<std::string>& wanted);

// One Status for all that was passed over.
[[nodiscard]] Status refusal_of(const std::vector<Skip>& skipped);

}  // namespace ferry::transports
