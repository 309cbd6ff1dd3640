# Reads names of source files; see `check` and rules.txt.

function is_os_header(name) { return name ~ /\.h$/ }

# What kind of header `name` is, in the words of rules.txt; "" for the standard library and for what
# lies in the tree.
function kind_of(name, in_angles) {
  if (name ~ /\.capnp(\.ferry)?\.h$/) return "generated"
  if (name ~ /^ferry\//) return "ferry"
  if (name ~ /^(capnp|kj)\//) return "kj"
  if (name == "uv.h" || name ~ /^uv\//) return "uv"
  if (name ~ /^(gtest|gmock|gflags|benchmark|grpc|grpcpp|google)\//) return "other"
  if (in_angles && is_os_header(name)) return "os"
  return ""
}

function row_of(path,   row, best) {
  best = ""
  for (row in allowed) if (index(path, row) == 1 && length(row) > length(best)) best = row
  return best
}

function permitted(row, name, kind,   words, count, i) {
  count = split(allowed[row], words, " ")
  for (i = 1; i <= count; i++) {
    if (words[i] == "any" || words[i] == name || (kind != "" && words[i] == kind)) return 1
    if (kind == "" && words[i] ~ /\/$/ && index(name, words[i]) == 1) return 1
    if (words[i] == "base" && index(" " base " ", " " name " ")) return 1
  }
  return 0
}

function check_file(path,   row, line, number, name, in_angles, kind) {
  row = row_of(path)
  if (row == "") {
    print path ": no row in rules.txt covers it"
    bad = 1
    return
  }
  number = 0
  while ((getline line < path) > 0) {
    number++
    if (line !~ /^[ \t]*#[ \t]*include[ \t]*[<"]/) continue
    in_angles = line ~ /^[ \t]*#[ \t]*include[ \t]*</
    name = line
    sub(/^[^<"]*[<"]/, "", name)
    sub(/[>"].*$/, "", name)
    kind = kind_of(name, in_angles)
    if (kind == "" && name !~ /\./) continue            # <vector>
    if (!in_angles && name !~ /\//) continue            # "beside_me.h"
    if (!permitted(row, name, kind)) {
      print path ":" number ": may not include " name " (" row ")"
      bad = 1
    }
  }
  close(path)
}

BEGIN {
  while ((getline line < rules) > 0) {
    if (line ~ /^#/ || line ~ /^[ \t]*$/) continue
    split(line, words, " ")
    rest = substr(line, length(words[1]) + 1)
    if (words[1] == "@base") base = rest
    else allowed[words[1]] = rest
  }
  if (base == "") { print "no rules in " rules; bad = 1; exit }
}

{ files++; check_file($0) }

END {
  if (!bad && files == 0) { print "no source files found"; bad = 1 }
  exit bad
}
