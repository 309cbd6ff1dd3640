# ferry_test(NAME SOURCES ... LINKS ... [LABELS ...] [TIMEOUT seconds] [LOCKS ...] [DEFINES ...]):
# one GoogleTest program, in ${build}/tests (bin holds what users run). Each of its cases is a ctest
# test of its own, called NAME.Suite.Case, in a process of its own.
#
# LABELS   `threads`: also worth the thread sanitizer (only these are built under it).
#          `no_asan`: not worth the address sanitizer, or not possible under it.
#          `slow`: left out by `tests/run --quick`.
# TIMEOUT  of one case, 60 seconds unless told.
# LOCKS    resources of the whole machine that a case uses alone. `mqueue`: the budget of
#          RLIMIT_MSGQUEUE is one for all processes of a user (mq_overview(7)). `cpu`: what it measures
#          depends on how soon it runs, so nothing else runs beside it.
include(GoogleTest)
find_package(GTest REQUIRED)

function(ferry_test name)
  cmake_parse_arguments(PARSE_ARGV 1 test "" "TIMEOUT" "SOURCES;LINKS;LABELS;LOCKS;DEFINES")
  if(test_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "ferry_test(${name}): unknown arguments: ${test_UNPARSED_ARGUMENTS}")
  endif()
  if(FERRY_SANITIZE MATCHES "thread" AND NOT "threads" IN_LIST test_LABELS)
    return()
  endif()
  if(FERRY_SANITIZE MATCHES "address" AND "no_asan" IN_LIST test_LABELS)
    return()
  endif()
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 60)
  endif()

  add_executable(${name} ${test_SOURCES})
  target_link_libraries(${name} PRIVATE ${test_LINKS} ferry_warnings GTest::gtest GTest::gtest_main
                                        Threads::Threads)
  target_include_directories(${name} PRIVATE ${FERRY_INCLUDES})
  target_compile_definitions(${name} PRIVATE ${test_DEFINES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")

  # PRE_TEST: found when ctest starts, so that building does not run the programs.
  gtest_discover_tests(${name} TEST_PREFIX ${name}. NO_PRETTY_VALUES DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT ${test_TIMEOUT})

  # gtest_discover_tests() cuts a property's list apart, so lists are set once the cases are known.
  set(serial FALSE)
  if("cpu" IN_LIST test_LOCKS)
    set(serial TRUE)
  endif()
  set(lists "${CMAKE_CURRENT_BINARY_DIR}/${name}_properties.cmake")
  file(WRITE "${lists}" "foreach(case IN LISTS ${name}_TESTS)\n"
                        "  set_tests_properties(\"\${case}\" PROPERTIES LABELS \"${test_LABELS}\""
                        " RESOURCE_LOCK \"${test_LOCKS}\""
                        " RUN_SERIAL ${serial})\nendforeach()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${lists}")
endfunction()
