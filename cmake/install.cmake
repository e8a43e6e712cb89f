# Installs the program, the libraries with their headers, the catalogue and the scenarios, and what
# other projects need to find them: a CMake package and a pkg-config file. The components are those of
# the Debian packages (cmake/package.cmake).
include(CMakePackageConfigHelpers)

set(nightwatt_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nightwatt)
set(nightwatt_share_dir ${CMAKE_INSTALL_DATADIR}/nightwatt)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME program)

install(TARGETS nightwatt RUNTIME)
# Not for linking: the program loads it from beside its data (cli/engine.cpp).
install(TARGETS nightwatt-simgrid LIBRARY DESTINATION lib/nightwatt)
install(TARGETS ${NIGHTWATT_ROOMS} EXPORT nightwatt
  LIBRARY NAMELINK_COMPONENT development
  ARCHIVE COMPONENT development
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/nightwatt COMPONENT development)
# The package is relocatable: the program finds its libraries beside itself.
file(RELATIVE_PATH lib_from_bin ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
set_target_properties(nightwatt PROPERTIES INSTALL_RPATH $ORIGIN/${lib_from_bin})
set_target_properties(nightwatt-policy PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

install(EXPORT nightwatt NAMESPACE nightwatt:: DESTINATION ${nightwatt_cmake_dir}
  FILE nightwattTargets.cmake COMPONENT development)
configure_package_config_file(cmake/nightwattConfig.cmake.in nightwattConfig.cmake
  INSTALL_DESTINATION ${nightwatt_cmake_dir})
# Before 1.0 a minor version may change the interface (CHANGELOG.md).
write_basic_package_version_file(nightwattConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/nightwattConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/nightwattConfigVersion.cmake
  DESTINATION ${nightwatt_cmake_dir} COMPONENT development)

file(RELATIVE_PATH prefix_from_pc ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" prefix_from_pc ${prefix_from_pc})
# Archives name what they need after themselves: the last room first.
set(room_libraries ${NIGHTWATT_ROOMS})
list(REVERSE room_libraries)
list(TRANSFORM room_libraries PREPEND -l)
list(JOIN room_libraries " " room_libraries)
configure_file(cmake/nightwatt.pc.in nightwatt.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/nightwatt.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

# The program looks for its data in ../share/nightwatt, seen from its own folder. In a build tree
# that place links to the sources.
install(DIRECTORY energy/catalog DESTINATION ${nightwatt_share_dir} PATTERN .gitkeep EXCLUDE)
install(DIRECTORY scenarios/ DESTINATION ${nightwatt_share_dir}/scenarios
  PATTERN *.cpp EXCLUDE PATTERN *.hpp EXCLUDE)
install(DIRECTORY traces/samples DESTINATION ${nightwatt_share_dir}/traces)
install(FILES LICENSE NOTICE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${PROJECT_BINARY_DIR}/cli/nightwatt.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PROJECT_BINARY_DIR}/cli/nightwatt.bash RENAME nightwatt
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${PROJECT_BINARY_DIR}/cli/_nightwatt
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/nightwatt)
foreach(entry IN ITEMS energy/catalog scenarios traces)
  get_filename_component(name ${entry} NAME)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${entry} ${PROJECT_BINARY_DIR}/share/nightwatt/${name}
    SYMBOLIC)
endforeach()
