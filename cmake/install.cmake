# `cmake --install build/release`: headers, libraries, the command, and what find_package(strata)
# (targets strata::strata, shared, and strata::static, strata::resources and
# strata::resources_static for the headers include/strata/*.hpp and resources.h, strata::gc and
# strata::gc_static for gc.hpp, strata::boehm for libgc's headers) and pkg-config (strata,
# strata-resources, strata-gc, strata-boehm) read.
if(STRATA_SANITIZE OR STRATA_FUZZ)
  return()
endif()
include(CMakePackageConfigHelpers)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/strata)
install(DIRECTORY include/strata DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET strata)
  install(TARGETS strata)
  install(TARGETS strata_server LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(TARGET strata_page)
  install(FILES ${STRATA_PAGE_FILE} DESTINATION ${CMAKE_INSTALL_DATADIR}/strata)
endif()

if(TARGET strata_shared)
  install(TARGETS strata_recorder strata_router)
  install(TARGETS strata_shared strata_static strata_resources strata_resources_static
                  strata_gc strata_gc_static strata_boehm
          EXPORT strata_targets)
  install(EXPORT strata_targets NAMESPACE strata:: FILE strata-targets.cmake
          DESTINATION ${config_dir})
  configure_package_config_file(cmake/strata-config.cmake.in strata-config.cmake
                                INSTALL_DESTINATION ${config_dir})
  write_basic_package_version_file(strata-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/strata-config.cmake
                ${PROJECT_BINARY_DIR}/strata-config-version.cmake DESTINATION ${config_dir})

  # Paths relative to the .pc file, so that an installed tree can be moved.
  file(RELATIVE_PATH STRATA_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
       ${CMAKE_INSTALL_PREFIX})
  foreach(name strata strata-resources strata-gc strata-boehm)
    configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  endforeach()
endif()
