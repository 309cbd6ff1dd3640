# ferry_generate(TARGET target SCHEMAS a.capnp ... [IMPORT_DIRS dir ...] [SKIP_REFUSED])
#
# Compiles schemas for `target`: Cap'n Proto's own a.capnp.h and the stubs and services in
# a.capnp.ferry.h, which `#include "a.capnp.ferry.h"` finds. Schemas are named relative to the current
# source directory. A schema that imports another of one's own needs both in SCHEMAS, of this target or
# of a library that it links. `import "/ferry/rpc.capnp"` resolves, and so do absolute imports below
# IMPORT_DIRS.
#
# SKIP_REFUSED leaves methods that ferry can't do out instead of failing; the header names them.
if(NOT FERRY_IDL_DIR)
  set(FERRY_IDL_DIR "${CMAKE_CURRENT_LIST_DIR}/../idl")
endif()

function(ferry_generate)
  cmake_parse_arguments(PARSE_ARGV 0 arg "SKIP_REFUSED" "TARGET" "SCHEMAS;IMPORT_DIRS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_TARGET OR NOT arg_SCHEMAS)
    message(FATAL_ERROR "ferry_generate(TARGET target SCHEMAS files... [IMPORT_DIRS dirs...] "
                        "[SKIP_REFUSED]): got ${ARGV}")
  endif()
  if(NOT TARGET ${arg_TARGET})
    message(FATAL_ERROR "ferry_generate: there is no target ${arg_TARGET}")
  endif()

  if(TARGET ferry::capnpc-ferry)
    set(plugin ferry::capnpc-ferry)
  else()
    set(plugin capnpc-ferry)
  endif()
  set(output "${CMAKE_CURRENT_BINARY_DIR}/ferry_generated")
  file(MAKE_DIRECTORY "${output}")
  set(imports "-I${CMAKE_CURRENT_SOURCE_DIR}" "-I${FERRY_IDL_DIR}" "-I${CAPNP_INCLUDE_DIRECTORY}")
  foreach(directory IN LISTS arg_IMPORT_DIRS)
    get_filename_component(directory "${directory}" ABSOLUTE)
    list(APPEND imports "-I${directory}")
  endforeach()
  set(skip 0)
  if(arg_SKIP_REFUSED)
    set(skip 1)
  endif()

  foreach(schema IN LISTS arg_SCHEMAS)
    get_filename_component(path "${schema}" ABSOLUTE)
    if(NOT EXISTS "${path}")
      message(FATAL_ERROR "ferry_generate: ${path} does not exist")
    endif()
    file(RELATIVE_PATH name "${CMAKE_CURRENT_SOURCE_DIR}" "${path}")
    if(name MATCHES "^\\.\\.")
      message(FATAL_ERROR "ferry_generate: ${path} is not below ${CMAKE_CURRENT_SOURCE_DIR}")
    endif()
    set(files "${output}/${name}.h" "${output}/${name}.c++" "${output}/${name}.ferry.h"
              "${output}/${name}.ferry.c++")
    string(MAKE_C_IDENTIFIER "ferry_generate_${CMAKE_CURRENT_SOURCE_DIR}/${name}" step)
    # Several targets of one directory may share a schema: it is generated once.
    if(NOT TARGET ${step})
      add_custom_command(
        OUTPUT ${files}
        COMMAND "${CMAKE_COMMAND}" -E env "FERRY_SKIP_REFUSED=${skip}" "${CAPNP_EXECUTABLE}" compile
                "-o${CAPNPC_CXX_EXECUTABLE}:${output}" "-o$<TARGET_FILE:${plugin}>:${output}"
                "--src-prefix=${CMAKE_CURRENT_SOURCE_DIR}" ${imports} "${path}"
        DEPENDS "${path}" ${plugin} ${arg_SCHEMAS}
        COMMENT "Generating ${name}.ferry.h"
        VERBATIM)
      add_custom_target(${step} DEPENDS ${files})
    endif()
    add_dependencies(${arg_TARGET} ${step})
    if(TARGET ferry_fd_rules)
      add_dependencies(${arg_TARGET} ferry_fd_rules)
    endif()
    target_sources(${arg_TARGET} PRIVATE ${files})
    # What capnpc-c++ wrote is not held to the target's warnings.
    set_source_files_properties("${output}/${name}.c++" PROPERTIES COMPILE_OPTIONS -w)
  endforeach()

  get_target_property(type ${arg_TARGET} TYPE)
  if(type STREQUAL "EXECUTABLE")
    target_include_directories(${arg_TARGET} PRIVATE "${output}")
  else()
    target_include_directories(${arg_TARGET} PUBLIC "$<BUILD_INTERFACE:${output}>")
  endif()
endfunction()
