# Tests: the unit tests of src/, and what the folders of test/ use to add theirs.
#
# A test carries the label quick (the default run) or long (only `./dev test --all`).

# strata_add_subdirectories(<folder>): adds each folder below it that has a CMakeLists.txt.
function(strata_add_subdirectories folder)
  file(GLOB lists CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*/CMakeLists.txt)
  foreach(list IN LISTS lists)
    cmake_path(GET list PARENT_PATH directory)
    add_subdirectory(${directory})
  endforeach()
endfunction()

# strata_add_test(NAME name COMMAND command... [LONG] [NEEDS target...] [TIMEOUT seconds])
# Adds a test, quick unless LONG. NEEDS: targets that it runs or preloads and that must be built
# before it, such as strata_fault, which nothing else builds.
function(strata_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "LONG" "NAME;TIMEOUT" "COMMAND;NEEDS")
  if(NOT arg_NAME OR NOT arg_COMMAND OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "strata_add_test: want NAME and COMMAND, got: ${ARGV}")
  endif()
  add_test(NAME ${arg_NAME} COMMAND ${arg_COMMAND})
  set_tests_properties(${arg_NAME} PROPERTIES LABELS $<IF:$<BOOL:${arg_LONG}>,long,quick>)
  if(arg_TIMEOUT)
    set_tests_properties(${arg_NAME} PROPERTIES TIMEOUT ${arg_TIMEOUT})
  endif()
  if(arg_NEEDS)
    add_dependencies(strata_test_needs ${arg_NEEDS})
  endif()
endfunction()

# strata_add_instruction_test(<name> <argument>...): test/fastpath/measure with these arguments. The
# figures that it compares with hold for one compiler and one set of flags; elsewhere there is no test.
function(strata_add_instruction_test name)
  if(CMAKE_BUILD_TYPE STREQUAL RelWithDebInfo
     AND NOT STRATA_DEBUG AND NOT STRATA_STRESS
     AND CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64
     AND CMAKE_CXX_COMPILER_ID STREQUAL GNU
     AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.")
    strata_add_test(NAME ${name} TIMEOUT 120
                    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/test/fastpath/measure ${ARGN})
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
  endif()
endfunction()

# strata_add_gtest(<target> [PREFIX prefix] <source>...): a GoogleTest program; each of its tests is a quick test of
# its own, in a process of its own. Some look at what an ordinary block is like, so none is guarded
# unless the test asks for it.
function(strata_add_gtest target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PREFIX" "")
  add_executable(${target} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${target} PRIVATE GTest::gmock GTest::gtest_main strata_warnings)
  # Lines and functions are enough for a backtrace; all of -g takes as long as the compiling itself.
  target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-g1>)
  list(LENGTH arg_UNPARSED_ARGUMENTS sources)
  if(sources GREATER 5)
    # To read them takes longer than most tests' own code.
    target_precompile_headers(${target} PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
  endif()
  gtest_discover_tests(${target} TEST_PREFIX "${arg_PREFIX}" DISCOVERY_MODE PRE_TEST
                       DISCOVERY_TIMEOUT 60 PROPERTIES LABELS quick ENVIRONMENT STRATA_GUARD_MS=0)
endfunction()

if(STRATA_FUZZ)
  return()
endif()
if(NOT STRATA_TESTS)
  return()
endif()

enable_testing()
include(GoogleTest)
find_package(GTest REQUIRED)
find_package(Threads REQUIRED)
find_package(Python3 COMPONENTS Interpreter)
# For tests of what is read from debug information, which compilers write differently.
find_program(STRATA_CLANGXX NAMES clang++-14 clang++)
set(STRATA_CXX_COMPILERS ${CMAKE_CXX_COMPILER})
if(STRATA_CLANGXX)
  list(APPEND STRATA_CXX_COMPILERS ${STRATA_CLANGXX})
endif()
list(REMOVE_DUPLICATES STRATA_CXX_COMPILERS)
add_custom_target(strata_test_needs ALL)

if(Python3_FOUND AND NOT STRATA_SANITIZE)
  strata_add_test(NAME scripts.check_layers COMMAND ${Python3_EXECUTABLE}
                  ${PROJECT_SOURCE_DIR}/scripts/check_layers_test)
endif()

file(GLOB unit_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*/*_test.cpp
     ${PROJECT_SOURCE_DIR}/src/gc/*/*_test.cpp)
set(resource_unit_sources ${unit_sources})
list(FILTER resource_unit_sources INCLUDE REGEX "/src/resource/")
set(gc_unit_sources ${unit_sources})
list(FILTER gc_unit_sources INCLUDE REGEX "/src/gc/")
list(FILTER unit_sources EXCLUDE REGEX "/src/(resource|gc)/")
if(TARGET strata_resource_objects)
  strata_add_gtest(strata_resource_unit ${resource_unit_sources})
  target_link_libraries(strata_resource_unit PRIVATE strata_resource_objects strata_core Threads::Threads)
  # -O2 takes half as long again to build them.
  target_compile_options(strata_resource_unit PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
endif()
if(TARGET strata_gc_objects)
  find_package(nlohmann_json REQUIRED)
  strata_add_gtest(strata_gc_unit ${gc_unit_sources})
  target_link_libraries(strata_gc_unit PRIVATE strata_gc_objects strata_core Threads::Threads
                                               nlohmann_json::nlohmann_json)
  target_compile_options(strata_gc_unit PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
  # Once more with the other header.
  strata_add_gtest(strata_gc_wide_unit PREFIX wide. ${gc_unit_sources})
  target_link_libraries(strata_gc_wide_unit PRIVATE strata_gc_wide_objects strata_core
                                                    Threads::Threads)
  target_compile_options(strata_gc_wide_unit PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
endif()
if(unit_sources AND TARGET strata_core)
  strata_add_gtest(strata_unit ${unit_sources})
  target_link_libraries(strata_unit PRIVATE strata_core strata_conservative)
  if(TARGET strata_observe)
    target_link_libraries(strata_unit PRIVATE strata_observe strata_route)
  endif()
  # Once more on the other ground.
  gtest_discover_tests(
    strata_unit
    TEST_PREFIX sparse.
    TEST_FILTER -Conservative*
    TEST_LIST strata_unit_sparse
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS quick ENVIRONMENT STRATA_GROUND=sparse ENVIRONMENT_MODIFICATION
               STRATA_GUARD_MS=set:0)
  # The page heap once more with huge pages.
  gtest_discover_tests(
    strata_unit
    TEST_PREFIX huge.
    TEST_FILTER PageHeap.*
    TEST_LIST strata_unit_huge
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS quick ENVIRONMENT STRATA_HUGE_PAGES=auto)
else()
  message(STATUS "src/ has no unit tests")
endif()
