# Compiler flags, in three sets:
#   strata_warnings         link it (PRIVATE) to be held to the project's warnings
#   strata_strict_warnings  the same plus conversions and casts: our library and command, not tests
#   STRATA_CORE_OPTIONS     how the core is compiled; cmake/library.cmake uses it

add_library(strata_warnings INTERFACE)
target_compile_options(
  strata_warnings
  INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wundef;-Wvla>
            $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor;-Woverloaded-virtual>)
if(STRATA_WERROR)
  target_compile_options(strata_warnings INTERFACE -Werror)
endif()

add_library(strata_strict_warnings INTERFACE)
target_compile_options(
  strata_strict_warnings
  INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Wconversion;-Wsign-conversion;-Wcast-align>
            $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast>)
target_link_libraries(strata_strict_warnings INTERFACE strata_warnings)

# C++14's sized operator delete, which clang++ leaves out unless asked.
add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,Clang>:-fsized-deallocation>)

# The core answers malloc itself: it may not throw, use RTTI, lean on the C++ runtime, allocate for
# its thread-local variables (hence initial-exec), or have its own calls turned into malloc's.
set(STRATA_CORE_OPTIONS
    -fvisibility=hidden
    -ftls-model=initial-exec
    -fno-builtin-malloc
    -fno-builtin-calloc
    -fno-builtin-realloc
    -fno-builtin-free
    -fno-plt
    -fno-semantic-interposition
    $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>
    $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>
    $<$<COMPILE_LANGUAGE:CXX>:-fno-threadsafe-statics>
    $<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden>)

# Headers of the core behave by these, so every part that includes them must agree on them.
foreach(choice STRATA_DEBUG STRATA_STRESS)
  if(${choice})
    add_compile_definitions(${choice}=1)
  endif()
endforeach()

if(STRATA_FUZZ OR STRATA_SANITIZE)
  add_compile_definitions(STRATA_INSTRUMENTED=1)
endif()
if(STRATA_FUZZ)
  # vptr and function need RTTI, which the core has not.
  add_compile_options(
    -fsanitize=fuzzer-no-link,address,undefined,float-cast-overflow -fno-sanitize=vptr,function
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(STRATA_SANITIZE)
  add_compile_options(-fsanitize=${STRATA_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${STRATA_SANITIZE})
  if(STRATA_SANITIZE MATCHES undefined)
    # vptr needs RTTI, which the core has not.
    add_compile_options(-fno-sanitize=vptr -fno-sanitize-recover=all)
  endif()
endif()
