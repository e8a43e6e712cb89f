# Bundles analysis/report/web to one page and embeds it into the analysis room. The packages (Apache
# ECharts; esbuild, which bundles) are those of package-lock.json and go into the build tree.
find_program(NIGHTWATT_NPM npm)
find_program(NIGHTWATT_NODE NAMES node nodejs)
if(NOT NIGHTWATT_NPM OR NOT NIGHTWATT_NODE)
  message(FATAL_ERROR "`nightwatt report` needs npm and node (18 or newer) to build its page: "
    "install the Debian packages nodejs and npm (scripts/setup.sh does), or leave the page out "
    "with -DNIGHTWATT_REPORT=OFF")
endif()

set(report_web ${PROJECT_SOURCE_DIR}/analysis/report/web)
set(report_build ${PROJECT_BINARY_DIR}/report)
set(report_page ${report_build}/page.html)
# The tests drive a browser by a package that the page does not need.
set(report_omit --omit=dev)
if(NIGHTWATT_TESTS)
  set(report_omit --include=dev)
endif()
add_custom_command(OUTPUT ${report_build}/packages.stamp
  COMMAND ${CMAKE_COMMAND} -E copy ${report_web}/package.json ${report_web}/package-lock.json
    ${report_web}/.npmrc ${report_build}
  COMMAND ${NIGHTWATT_NPM} ci ${report_omit} --ignore-scripts --no-audit --no-fund --loglevel=error
  COMMAND ${CMAKE_COMMAND} -E touch packages.stamp
  DEPENDS ${report_web}/package.json ${report_web}/package-lock.json ${report_web}/.npmrc
  WORKING_DIRECTORY ${report_build}
  COMMENT "Fetching the packages of the report's page" VERBATIM)
file(MAKE_DIRECTORY ${report_build})

file(GLOB report_sources CONFIGURE_DEPENDS ${report_web}/*.js ${report_web}/*.mjs ${report_web}/*.css
  ${report_web}/*.html)
add_custom_command(OUTPUT ${report_page}
  COMMAND ${CMAKE_COMMAND} -E env NODE_PATH=${report_build}/node_modules
    ${NIGHTWATT_NODE} ${report_web}/build.mjs ${report_build}/node_modules ${PROJECT_SOURCE_DIR}/NOTICE
    ${report_page}
  DEPENDS ${report_sources} ${PROJECT_SOURCE_DIR}/NOTICE ${report_build}/packages.stamp
  COMMENT "Bundling the report's page" VERBATIM)
set_source_files_properties(analysis/report/web_assets.cpp PROPERTIES
  COMPILE_DEFINITIONS "NIGHTWATT_REPORT_PAGE=\"${report_page}\""
  OBJECT_DEPENDS ${report_page})
