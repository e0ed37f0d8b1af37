# The libraries, headers, program and recipes, and what find_package(pushforward) reads. LibTorch is
# not copied: the installed program and package refer to the one that they were built with.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pushforward)
set_target_properties(pushforward_base PROPERTIES EXPORT_NAME base)
install(TARGETS pushforward pushforward_base EXPORT pushforward ARCHIVE FILE_SET HEADERS)
install(TARGETS pushforward_program RUNTIME)
install(EXPORT pushforward NAMESPACE pushforward:: FILE pushforwardTargets.cmake
  DESTINATION ${package_dir})
configure_package_config_file(cmake/pushforwardConfig.cmake.in pushforwardConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(pushforwardConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/pushforwardConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/pushforwardConfigVersion.cmake cmake/FindLibTorch.cmake
  DESTINATION ${package_dir})
install(DIRECTORY recipes/ DESTINATION ${CMAKE_INSTALL_DATADIR}/pushforward/recipes
  FILES_MATCHING PATTERN "*.toml")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
