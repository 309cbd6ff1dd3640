#include "idl/cpp_names.h"

#include <algorithm>
#include <array>

namespace ferry::idl {
namespace {

// Keywords and alternative tokens of C++20 (lex.key, lex.digraph), in order.
constexpr auto kKeywords = std::to_array<std::string_view>({
    "alignas",       "alignof",     "and",
    "and_eq",        "asm",         "auto",
    "bitand",        "bitor",       "bool",
    "break",         "case",        "catch",
    "char",          "char16_t",    "char32_t",
    "char8_t",       "class",       "co_await",
    "co_return",     "co_yield",    "compl",
    "concept",       "const",       "const_cast",
    "consteval",     "constexpr",   "constinit",
    "continue",      "decltype",    "default",
    "delete",        "do",          "double",
    "dynamic_cast",  "else",        "enum",
    "explicit",      "export",      "extern",
    "false",         "float",       "for",
    "friend",        "goto",        "if",
    "inline",        "int",         "long",
    "mutable",       "namespace",   "new",
    "noexcept",      "not",         "not_eq",
    "nullptr",       "operator",    "or",
    "or_eq",         "private",     "protected",
    "public",        "register",    "reinterpret_cast",
    "requires",      "return",      "short",
    "signed",        "sizeof",      "static",
    "static_assert", "static_cast", "struct",
    "switch",        "template",    "this",
    "thread_local",  "throw",       "true",
    "try",           "typedef",     "typeid",
    "typename",      "union",       "unsigned",
    "using",         "virtual",     "void",
    "volatile",      "wchar_t",     "while",
    "xor",           "xor_eq",
});

// Macros with lower-case names that glibc's headers, or g++ in its GNU mode, define.
constexpr auto kLowerMacros = std::to_array<std::string_view>({
    "alloca",  "assert",    "clrbit", "environ",  "errno",    "htonl",   "htons",
    "howmany", "i386",      "isclr",  "isset",    "linux",    "major",   "makedev",
    "minor",   "ntohl",     "ntohs",  "offsetof", "powerof2", "roundup", "setbit",
    "setjmp",  "sigsetjmp", "stderr", "stdin",    "stdout",   "strdupa", "unix",
});

// Macros with upper-case names that a header which ours include may define.
constexpr auto kUpperMacros = std::to_array<std::string_view>({
    "BUFSIZ",     "CHAR_BIT",   "CHAR_MAX",     "CHAR_MIN",     "EDOM",         "EILSEQ",
    "EOF",        "ERANGE",     "EXIT_FAILURE", "EXIT_SUCCESS", "FILENAME_MAX", "FOPEN_MAX",
    "HUGE_VAL",   "INFINITY",   "INT_MAX",      "INT_MIN",      "LONG_MAX",     "LONG_MIN",
    "MB_CUR_MAX", "NAN",        "PATH_MAX",     "RAND_MAX",     "SEEK_CUR",     "SEEK_END",
    "SEEK_SET",   "SHRT_MAX",   "SHRT_MIN",     "SIGABRT",      "SIGALRM",      "SIGCHLD",
    "SIGFPE",     "SIGHUP",     "SIGILL",       "SIGINT",       "SIGKILL",      "SIGPIPE",
    "SIGSEGV",    "SIGTERM",    "SIG_DFL",      "SIG_ERR",      "SIG_IGN",      "SIZE_MAX",
    "TMP_MAX",    "UCHAR_MAX",  "UINT_MAX",     "ULONG_MAX",    "USHRT_MAX",    "WCHAR_MAX",
    "WCHAR_MIN",  "WEOF",       "E2BIG",        "EACCES",       "EAGAIN",       "EBADF",
    "EBUSY",      "ECANCELED",  "ECHILD",       "ECONNREFUSED", "ECONNRESET",   "EEXIST",
    "EFAULT",     "EINTR",      "EINVAL",       "EIO",          "EISDIR",       "EMFILE",
    "ENFILE",     "ENODEV",     "ENOENT",       "ENOMEM",       "ENOSPC",       "ENOSYS",
    "ENOTDIR",    "EPERM",      "EPIPE",        "EPROTO",       "EROFS",        "ETIMEDOUT",
    "EXDEV",      "EADDRINUSE",
});

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool is_upper(char c) { return 'A' <= c && c <= 'Z'; }
char to_upper(char c) { return 'a' <= c && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

std::string member_name(std::string_view name) {
  std::string result(name);
  if (contains(kKeywords, name) || contains(kLowerMacros, name)) result += '_';
  return result;
}

std::string title_name(std::string_view name) {
  std::string result(name);
  if (!result.empty()) result[0] = to_upper(result[0]);
  return result;
}

std::string enumerator_name(std::string_view name) {
  std::string result;
  for (char c : name) {
    if (is_upper(c) && !result.empty()) result += '_';
    result += to_upper(c);
  }
  // capnpc-c++ knows of this one macro.
  if (result == "NULL") result += '_';
  return result;
}

bool is_macro(std::string_view name) {
  return contains(kUpperMacros, name) || contains(kLowerMacros, name);
}

}  // namespace ferry::idl
