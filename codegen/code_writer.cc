#include "codegen/code_writer.h"

#include <cassert>

namespace ferry::codegen {
namespace {

std::string replaced(std::string_view line, CodeWriter::Variables variables) {
  std::string result;
  while (!line.empty()) {
    const std::size_t start = line.find('$');
    if (start == std::string_view::npos) break;
    const std::size_t end = line.find('$', start + 1);
    assert(end != std::string_view::npos && "a variable without its second $");
    const std::string_view name = line.substr(start + 1, end - start - 1);
    result += line.substr(0, start);
    bool found = false;
    for (const auto& [key, value] : variables) {
      if (key != name) continue;
      result += value;
      found = true;
    }
    assert(found && "a variable that was not given");
    static_cast<void>(found);
    line.remove_prefix(end + 1);
  }
  result += line;
  return result;
}

}  // namespace

void CodeWriter::write(std::string_view text, Variables variables) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::string result = replaced(one, variables);
    if (result.find_first_not_of(' ') == std::string::npos && !one.empty()) continue;
    line(result);
  }
}

void CodeWriter::comment(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view one = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '\r')) one.remove_suffix(1);
    std::string result = one.empty() ? "//" : "// " + std::string(one);
    // A backslash at the end would draw the next line into the comment.
    if (result.back() == '\\') result += " .";
    line(result);
  }
}

void CodeWriter::line(std::string_view line) {
  if (!line.empty()) {
    // Names of labels and of preprocessor lines stay where they are.
    if (line.front() != '#') text_.append(indentation_, ' ');
    text_ += line;
  }
  text_ += '\n';
}

}  // namespace ferry::codegen
