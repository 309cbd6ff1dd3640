#include "codegen/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace ferry::codegen {
namespace {

namespace fs = std::filesystem;

bool has_text(const fs::path& path, const std::string& text) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  return in.is_open() && content.str() == text;
}

std::string failure(const std::string& what, const fs::path& path) {
  return what + " " + path.string() + ": " + std::strerror(errno);
}

std::string write_one(const fs::path& path, const std::string& text) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  return out.fail() ? failure("write", path) : std::string();
}

}  // namespace

std::string write_all(const std::vector<std::pair<std::string, std::string>>& files) {
  std::vector<std::pair<fs::path, fs::path>> moves;  // temporary file, its place
  std::string problem;
  for (const auto& [name, text] : files) {
    const fs::path path(name);
    if (has_text(path, text)) continue;
    moves.emplace_back(name + ".new", path);
    problem = write_one(moves.back().first, text);
    if (!problem.empty()) break;
  }
  std::size_t moved = 0;
  for (; moved < moves.size() && problem.empty(); ++moved) {
    const auto& [from, to] = moves[moved];
    if (std::rename(from.c_str(), to.c_str()) != 0) problem = failure("rename to", to);
  }
  if (problem.empty()) return {};
  for (const auto& [from, to] : moves) std::remove(from.c_str());
  for (std::size_t i = 0; i < moved; ++i) std::remove(moves[i].second.c_str());
  return problem;
}

}  // namespace ferry::codegen
