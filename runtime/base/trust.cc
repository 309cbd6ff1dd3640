#include <ferry/trust.h>

namespace ferry {

std::string_view name(Trust trust) noexcept {
  switch (trust) {
    case Trust::kDefault:
      return "default";
    case Trust::kHostile:
      return "hostile";
    case Trust::kSameUser:
      return "same_user";
    case Trust::kFull:
      return "full";
  }
  return "hostile";
}

}  // namespace ferry
