// CodeWriter: text with variables and indentation.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace ferry::codegen {

// Every line that is written is a whole one; indentation is what indent() and outdent() made it.
class CodeWriter {
 public:
  using Variables = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Appends `text`, whole lines, with $name$ replaced by the variable of that name. An empty
  // replacement that leaves an otherwise blank line removes the line.
  void write(std::string_view text, Variables variables = {});
  // Appends `text` as a comment, a line of "// " for each of its lines; nothing when it is empty.
  void comment(std::string_view text);
  void indent() { indentation_ += 2; }
  void outdent() { indentation_ -= 2; }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void line(std::string_view line);

  std::string text_;
  unsigned indentation_ = 0;
};

}  // namespace ferry::codegen
