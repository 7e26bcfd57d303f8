# The library's targets.
#
#   strata_core        objects of every layer below entry; unit tests and fuzzers link these
#   strata_observe     objects of src/observe: the recorder
#   strata_entry       objects of src/entry: malloc and its kin, operator new, the C interface
#   strata_shared      lib/libstrata.so = entry + core, no dependency but libc
#   strata_static      lib/libstrata.a, the same objects
#   strata_resources         lib/libstrata_resources.so: what include/strata/*.hpp and resources.h need
#   strata_resources_static  behind them, a library of its own since it stands on the C++ runtime
#   strata_gc                lib/libstrata_gc.so: what include/strata/gc/*.hpp need behind them, a
#   strata_gc_static         library of its own for the same reason
#   strata_recorder          lib/libstrata_record.so: libstrata.so with src/observe, which records what
#                            it serves; `strata record` preloads it
#   strata_router            lib/libstrata_route.so: libstrata.so with src/route, which sends the blocks of one
#                            site elsewhere; `strata advise --try` preloads it
#   strata_conservative      objects of src/conservative: a heap whose objects do not move
#   strata_boehm             lib/libstrata_boehm.so: that behind the interface of libgc, to preload or to link; with
#                            nothing beside libc, as libstrata.so
#   strata_core_fault  the core compiled with STRATA_FAULT_INJECTION=1 \ built only when a test
#   strata_fault       lib/libstrata_fault.so made of it               / asks for it
#
# Without sources in src/entry only the core exists; without any, nothing. Builds with a sanitizer,
# which has a malloc of its own, have the objects and no library.

set(STRATA_LAYERS base os sync ground alloc)

# new.cpp alone needs exceptions: a nothrow new survives a new-handler that throws.
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/entry/new.cpp PROPERTIES COMPILE_OPTIONS
                                                                               -fexceptions)

# strata_glob(<variable> <pattern>...): the sources that match, without unit tests.
function(strata_glob variable)
  file(GLOB found CONFIGURE_DEPENDS ${ARGN})
  list(FILTER found EXCLUDE REGEX "_test\\.cpp$")
  set(${variable} ${found} PARENT_SCOPE)
endfunction()

list(TRANSFORM STRATA_LAYERS REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/src/\\1/*.cpp"
     OUTPUT_VARIABLE core_patterns)
strata_glob(core_sources ${core_patterns})
strata_glob(observe_sources ${PROJECT_SOURCE_DIR}/src/observe/*.cpp)
strata_glob(route_sources ${PROJECT_SOURCE_DIR}/src/route/*.cpp)
strata_glob(entry_sources ${PROJECT_SOURCE_DIR}/src/entry/*.cpp ${PROJECT_SOURCE_DIR}/src/entry/*.S)
# What only the recorder's library has, or the router's.
set(recording_sources ${PROJECT_SOURCE_DIR}/src/entry/mappings.cpp
                      ${PROJECT_SOURCE_DIR}/src/entry/pools.cpp)
set(routing_sources ${PROJECT_SOURCE_DIR}/src/entry/routed.cpp)
list(REMOVE_ITEM entry_sources ${recording_sources} ${routing_sources})

# strata_add_objects(<name> <source>...): an object library compiled as the core is.
function(strata_add_objects name)
  add_library(${name} OBJECT ${ARGN})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${name} PRIVATE ${STRATA_CORE_OPTIONS})
  target_compile_definitions(${name} PRIVATE STRATA_BUILDING
                                             STRATA_VERSION="${PROJECT_VERSION}")
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${name} PRIVATE strata_strict_warnings)
endfunction()

# strata_add_shared(<name> <object library>...): a library to preload or link.
function(strata_add_shared name)
  list(TRANSFORM ARGN REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
  add_library(${name} SHARED ${objects})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(
    ${name} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                      $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  # Unloading it would take away the memory and the thread-exit code of the whole process: nodelete.
  target_link_options(${name} PRIVATE -nodefaultlibs -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete
                      -Wl,-z,initfirst
                      -Wl,-z,noexecstack -Wl,--no-undefined)
  target_link_libraries(${name} PRIVATE c gcc)
endfunction()

if(core_sources)
  strata_add_objects(strata_core ${core_sources})
  strata_add_objects(strata_core_fault ${core_sources})
  set_target_properties(strata_core_fault PROPERTIES EXCLUDE_FROM_ALL ON)
  target_compile_definitions(strata_core_fault PUBLIC STRATA_FAULT_INJECTION=1)
else()
  message(STATUS "src/ has no core sources: no library")
endif()

if(core_sources AND entry_sources)
  strata_add_objects(strata_observe ${observe_sources})
  strata_add_objects(strata_route ${route_sources})
  strata_add_objects(strata_entry ${entry_sources})
endif()

if(TARGET strata_entry AND NOT STRATA_SANITIZE AND NOT STRATA_FUZZ)
  strata_add_shared(strata_shared strata_entry strata_core)
  set_target_properties(strata_shared PROPERTIES OUTPUT_NAME strata EXPORT_NAME strata)
  add_library(strata::strata ALIAS strata_shared)

  # dlopen.cpp finds the real dlopen behind ours, and a static program has no behind.
  add_library(strata_static STATIC
              $<FILTER:$<TARGET_OBJECTS:strata_entry>,EXCLUDE,dlopen\\.> $<TARGET_OBJECTS:strata_core>)
  set_target_properties(strata_static PROPERTIES OUTPUT_NAME strata EXPORT_NAME static
                                                 LINKER_LANGUAGE CXX)
  target_include_directories(
    strata_static INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  add_library(strata::static ALIAS strata_static)

  # It takes the other's place also for programs that are linked with that.
  strata_add_objects(strata_entry_recording ${entry_sources} ${recording_sources})
  target_compile_definitions(strata_entry_recording PRIVATE STRATA_RECORDING=1)
  strata_add_shared(strata_recorder strata_entry_recording strata_observe strata_core)
  set_target_properties(strata_recorder PROPERTIES OUTPUT_NAME strata_record NO_SONAME ON)
  target_link_options(strata_recorder PRIVATE -Wl,-soname,libstrata.so)

  strata_add_objects(strata_entry_routing ${entry_sources} ${routing_sources})
  target_compile_definitions(strata_entry_routing PRIVATE STRATA_ROUTING=1)
  strata_add_shared(strata_router strata_entry_routing strata_route strata_core)
  target_sources(strata_router PRIVATE
                 "$<FILTER:$<TARGET_OBJECTS:strata_observe>,INCLUDE,/stack_walk\\.>")
  set_target_properties(strata_router PROPERTIES OUTPUT_NAME strata_route NO_SONAME ON)
  target_link_options(strata_router PRIVATE -Wl,-soname,libstrata.so)

  strata_add_objects(strata_entry_fault ${entry_sources})
  target_compile_definitions(strata_entry_fault PRIVATE STRATA_FAULT_INJECTION=1)
  strata_add_shared(strata_fault strata_entry_fault strata_core_fault)
  set_target_properties(strata_entry_fault strata_fault PROPERTIES EXCLUDE_FROM_ALL ON)
endif()

strata_glob(conservative_sources ${PROJECT_SOURCE_DIR}/src/conservative/*.cpp)
strata_glob(boehm_sources ${PROJECT_SOURCE_DIR}/src/boehm/*.cpp)
if(TARGET strata_core)
  strata_add_objects(strata_conservative ${conservative_sources})
endif()
if(TARGET strata_shared)
  strata_add_objects(strata_boehm_objects ${boehm_sources})
  add_library(strata_boehm SHARED $<TARGET_OBJECTS:strata_boehm_objects> $<TARGET_OBJECTS:strata_conservative>
              "$<FILTER:$<TARGET_OBJECTS:strata_core>,INCLUDE,/src/(base|os|sync)/>")
  set_target_properties(strata_boehm PROPERTIES LINKER_LANGUAGE CXX EXPORT_NAME boehm)
  # Its heap is the process's: nodelete.
  target_link_options(strata_boehm PRIVATE -nodefaultlibs -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete
                      -Wl,-z,noexecstack -Wl,--no-undefined)
  target_link_libraries(strata_boehm PRIVATE c gcc)
  add_library(strata::boehm ALIAS strata_boehm)
endif()

# Resources and the managed heap are ordinary C++, with exceptions. Of the core they need the system's
# side alone.

# strata_add_runtime_objects(<name> <definition> <source>...)
function(strata_add_runtime_objects name definition)
  add_library(${name} OBJECT ${ARGN})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${name} PRIVATE -fvisibility=hidden -fvisibility-inlines-hidden
                                         -fno-semantic-interposition)
  target_compile_definitions(${name} PRIVATE ${definition})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${name} PRIVATE strata_strict_warnings)
endfunction()

# strata_add_runtime(<name> SHARED|STATIC <objects> <output name> <export name>)
function(strata_add_runtime name kind objects output_name export_name)
  add_library(${name} ${kind} $<TARGET_OBJECTS:${objects}>
              "$<FILTER:$<TARGET_OBJECTS:strata_core>,INCLUDE,/src/(base|os|sync)/>")
  set_target_properties(${name} PROPERTIES OUTPUT_NAME ${output_name} EXPORT_NAME ${export_name}
                                           LINKER_LANGUAGE CXX)
  target_include_directories(
    ${name} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                      $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(${name} INTERFACE cxx_std_20)
  add_library(strata::${export_name} ALIAS ${name})
endfunction()

strata_glob(resource_sources ${PROJECT_SOURCE_DIR}/src/resource/*.cpp)
strata_glob(gc_sources ${PROJECT_SOURCE_DIR}/src/gc/*.cpp ${PROJECT_SOURCE_DIR}/src/gc/*/*.cpp)
if(TARGET strata_core)
  strata_add_runtime_objects(strata_resource_objects STRATA_BUILDING_RESOURCES ${resource_sources})
  strata_add_runtime_objects(strata_gc_objects STRATA_BUILDING_GC ${gc_sources})
  # For tests: objects with the 16-byte header.
  strata_add_runtime_objects(strata_gc_wide_objects STRATA_BUILDING_GC ${gc_sources})
  target_compile_definitions(strata_gc_wide_objects PUBLIC STRATA_GC_WIDE_HEADER=1)
  set_target_properties(strata_gc_wide_objects PROPERTIES EXCLUDE_FROM_ALL ON)
endif()

if(TARGET strata_resource_objects AND NOT STRATA_SANITIZE AND NOT STRATA_FUZZ)
  strata_add_runtime(strata_resources SHARED strata_resource_objects strata_resources resources)
  strata_add_runtime(strata_resources_static STATIC strata_resource_objects strata_resources
                     resources_static)
  strata_add_runtime(strata_gc SHARED strata_gc_objects strata_gc gc)
  strata_add_runtime(strata_gc_static STATIC strata_gc_objects strata_gc gc_static)
endif()
