# cmake -DMODE=... -DBIN=... -DWORK=... -P check_bench.cmake
#
# figures        the shortest run there is; the file of --json has the keys that its readers rely on, and
#                values of their types.
# missing_peers  a peer that was not built is named, and counts as a goal missed.
#
# BIN has the built programs; WORK is a directory of the test's own.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")

function(expect_type row key)
  string(JSON type TYPE "${row}" ${key})
  if(NOT type IN_LIST ARGN)
    message(SEND_ERROR "${key}: is ${type}, not ${ARGN}, in ${row}")
  endif()
endfunction()

function(expect_one_of row key)
  string(JSON value GET "${row}" ${key})
  if(NOT value IN_LIST ARGN)
    message(SEND_ERROR "${key}: is ${value}, not one of ${ARGN}, in ${row}")
  endif()
endfunction()

function(expect_positive row)
  foreach(key IN LISTS ARGN)
    expect_type("${row}" ${key} NUMBER)
    string(JSON value GET "${row}" ${key})
    if(NOT value GREATER 0)
      message(SEND_ERROR "${key}: is ${value}, in ${row}")
    endif()
  endforeach()
endfunction()

# Exactly these, and nothing else.
function(check_row row)
  set(keys case lane size placement spin handler p50_us p99_us calls_per_s cpu_us floor_p50_us ratio)
  string(JSON count LENGTH "${row}")
  list(LENGTH keys expected)
  if(NOT count EQUAL expected)
    message(SEND_ERROR "${count} keys, not ${expected}, in ${row}")
  endif()
  expect_one_of("${row}" lane memfd capnp-rpc grpc)
  expect_one_of("${row}" size 64)
  expect_type("${row}" size NUMBER)
  expect_type("${row}" spin BOOLEAN)
  expect_one_of("${row}" handler inline pool)
  expect_positive("${row}" p50_us p99_us calls_per_s)
  expect_type("${row}" cpu_us NUMBER)  # may be 0: the kernel's accounting is coarse for so short a run
  string(JSON case GET "${row}" case)
  if(case STREQUAL "four-clients")  # on two CPUs, without a raw mechanism beside it
    expect_one_of("${row}" placement two-cpu)
    expect_type("${row}" floor_p50_us NULL)
    expect_type("${row}" ratio NULL)
  else()
    expect_one_of("${row}" case unary)
    expect_one_of("${row}" placement one-cpu)
    expect_positive("${row}" floor_p50_us ratio)
  endif()
endfunction()

function(check_figures)
  execute_process(COMMAND "${BIN}/bench_run" --quick --lanes=memfd --sizes=64 --placements=one-cpu
                          --rounds=1 --seconds=0.01 "--json=${WORK}/figures.json"
                  OUTPUT_VARIABLE tables ERROR_VARIABLE progress RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "bench_run: exit code ${code}\n${tables}\n${progress}")
  endif()
  file(READ "${WORK}/figures.json" figures)
  string(JSON count LENGTH "${figures}")
  math(EXPR last "${count} - 1")
  set(found "")
  foreach(i RANGE ${last})
    string(JSON row GET "${figures}" ${i})
    check_row("${row}")
    string(JSON case GET "${row}" case)
    string(JSON lane GET "${row}" lane)
    string(JSON spin GET "${row}" spin)
    string(JSON handler GET "${row}" handler)
    list(APPEND found "${case} ${lane} ${spin} ${handler}")
  endforeach()
  set(expected "unary capnp-rpc OFF inline")
  foreach(handler inline pool)
    list(APPEND expected "unary memfd OFF ${handler}" "unary memfd ON ${handler}")
  endforeach()
  if(EXISTS "${BIN}/bench_grpc")
    list(APPEND expected "unary grpc OFF pool")
  endif()
  if(case STREQUAL "four-clients")  # needs two CPUs
    list(APPEND expected "four-clients memfd OFF inline" "four-clients memfd ON inline")
  endif()
  list(SORT found)
  list(SORT expected)
  if(NOT found STREQUAL expected)
    message(SEND_ERROR "rows: ${found}, not ${expected}")
  endif()
endfunction()

# goals(CODE TEXT): of a run that measures nothing, in WORK.
function(goals code text)
  execute_process(COMMAND "${WORK}/bench_run" --placements= --nofour_clients --goals
                  OUTPUT_VARIABLE said RESULT_VARIABLE result)
  set(${code} "${result}" PARENT_SCOPE)
  set(${text} "${said}" PARENT_SCOPE)
endfunction()

function(check_missing_peers)
  file(COPY "${BIN}/bench_run" DESTINATION "${WORK}")  # it looks for peers where it lies itself
  goals(code text)
  foreach(peer "Cap'n Proto RPC" gRPC)
    string(FIND "${text}" "  NO   faster than ${peer}: not installed, not compared" at)
    if(at EQUAL -1)
      message(SEND_ERROR "does not say that ${peer} is missing:\n${text}")
    endif()
  endforeach()
  if(NOT code EQUAL 1)
    message(SEND_ERROR "--goals without the peers: exit code ${code}, not 1")
  endif()
  foreach(program bench_capnp bench_grpc)
    file(CREATE_LINK "${CMAKE_COMMAND}" "${WORK}/${program}" SYMBOLIC)  # is there, and is not run
  endforeach()
  goals(code text)
  if(NOT code EQUAL 0 OR text MATCHES "not compared")
    message(SEND_ERROR "--goals with the peers: exit code ${code}\n${text}")
  endif()
endfunction()

cmake_language(CALL check_${MODE})
