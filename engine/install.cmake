# Installs the engine library so that another project can embed it: headers, the static library,
# pkg-config file `sipc-engine` and CMake package `sipc-engine` (target sipc::engine). Everything
# installed finds the rest relative to itself, so the prefix may be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(engine_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/sipc-engine")
set(engine_pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(TARGETS sipc_engine EXPORT sipc-engine-targets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY include/sipc DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.h" PATTERN "*.def")

install(EXPORT sipc-engine-targets NAMESPACE sipc:: DESTINATION "${engine_cmake_dir}")
configure_package_config_file(sipc-engine-config.cmake.in sipc-engine-config.cmake
  INSTALL_DESTINATION "${engine_cmake_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(sipc-engine-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/sipc-engine-config.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/sipc-engine-config-version.cmake"
  DESTINATION "${engine_cmake_dir}")

file(RELATIVE_PATH engine_pc_to_prefix "/prefix/${engine_pc_dir}" "/prefix")
configure_file(sipc-engine.pc.in sipc-engine.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/sipc-engine.pc" DESTINATION "${engine_pc_dir}")
