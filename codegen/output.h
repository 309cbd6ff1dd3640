// Writing generated files: all of them, or none.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ferry::codegen {

// Writes each (path, text) below the current directory, making directories on the way. Returns ""
// or what failed; nothing is left of any file then. A file that has its text already is not
// touched, so that nothing is built again.
[[nodiscard]] std::string write_all(const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace ferry::codegen
