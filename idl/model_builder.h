// From Cap'n Proto's CodeGeneratorRequest to the service model.
#pragma once

#include <vector>

#include <capnp/schema.capnp.h>

#include "idl/service_model.h"

namespace ferry::idl {

struct BuildOptions {
  // Leave out the methods that can't be done, instead of refusing the file.
  bool skip_refused = false;
};

struct BuildResult {
  std::vector<File> files;        // one a requested file
  std::vector<Problem> problems;  // when not empty, nothing may be generated
};

[[nodiscard]] BuildResult build_model(capnp::schema::CodeGeneratorRequest::Reader request,
                                      const BuildOptions& options);

}  // namespace ferry::idl
