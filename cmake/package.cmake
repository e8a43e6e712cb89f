# Debian packages, by `cpack` in the build folder: nightwatt (the program and its data) and
# libnightwatt-dev (what plug-ins and programs of one's own are built with). What Debian asks for and
# `cmake --install` does not do is in cmake/debian/arrange.cmake.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME nightwatt)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program development)

# As for Debian's own tools, whoever builds the package is its maintainer.
set(maintainer_name "nightwatt maintainers")
set(maintainer_address maintainers@nightwatt.invalid)
if(DEFINED ENV{DEBFULLNAME} AND DEFINED ENV{DEBEMAIL})
  set(maintainer_name "$ENV{DEBFULLNAME}")
  set(maintainer_address $ENV{DEBEMAIL})
endif()
set(CPACK_PACKAGE_CONTACT "${maintainer_name} <${maintainer_address}>")

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Each with its first line; CPack would put one before all of them.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(about "nightwatt replays real job traces on a simulated GPU cluster, event by
event on SimGrid, and charges every joule exactly, with carbon and cost: to a
job, or to what it was spent on beside the jobs. Schedulers, power caps, places
and hours can be compared; the result is one HDF5 file.")

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME nightwatt)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION
  "simulator of energy, carbon and cost in GPU data centres\n${about}")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "hdf5-tools, python3-netcdf4, python3-xarray")
# Of its library: what is linked with it needs this very version.
file(CONFIGURE OUTPUT package/shlibs CONTENT
  "libnightwatt-policy @PROJECT_VERSION_MAJOR@.@PROJECT_VERSION_MINOR@ nightwatt (= @PROJECT_VERSION@-@CPACK_DEBIAN_PACKAGE_RELEASE@)\n"
  @ONLY)
file(CONFIGURE OUTPUT package/triggers CONTENT "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA
  ${PROJECT_BINARY_DIR}/package/shlibs ${PROJECT_BINARY_DIR}/package/triggers)

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libnightwatt-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION
  "headers and libraries of nightwatt, for policies of one's own\n${about}

This package holds what plug-ins and programs are built with: headers, static
libraries, a CMake package and a pkg-config file.")
# What nightwattConfig.cmake and nightwatt.pc ask for.
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "libboost-graph-dev, libbz2-dev, libdeflate-dev, libfmt-dev, libhdf5-dev, libhowardhinnant-date-dev, \
liblemon-dev, libsimdjson-dev, libsimgrid-dev, libspdlog-dev, libssl-dev, libyaml-cpp-dev, libzstd-dev, \
nlohmann-json3-dev, zlib1g-dev")
# And of the program's package the same version.
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_COMPONENT_DEVELOPMENT_DEPENDS program)

string(TIMESTAMP package_date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # or SOURCE_DATE_EPOCH
configure_file(cmake/debian/changelog.in package/changelog.Debian @ONLY)
configure_file(cmake/debian/arrange.cmake package/arrange.cmake @ONLY)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_BINARY_DIR}/package/arrange.cmake)
include(CPack)
