# Run by cpack between installing and packing: what Debian asks of a package beside its files.
set(staged ${CPACK_TEMPORARY_DIRECTORY})

# Libraries are found where Debian has them; the path is for installations that are moved.
file(RPATH_REMOVE FILE ${staged}/program/usr/bin/nightwatt)

file(GLOB archives ${staged}/development/usr/lib/*/*.a ${staged}/development/usr/lib/*.a)
execute_process(COMMAND @CMAKE_STRIP@ --strip-debug --enable-deterministic-archives ${archives}
  COMMAND_ERROR_IS_FATAL ANY)

function(compress from to)
  execute_process(COMMAND gzip -9n INPUT_FILE ${from} OUTPUT_FILE ${to} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
foreach(pair IN ITEMS program:nightwatt development:libnightwatt-dev)
  string(REGEX REPLACE ":.*" "" component ${pair})
  string(REGEX REPLACE ".*:" "" package ${pair})
  set(doc ${staged}/${component}/usr/share/doc/${package})
  file(COPY @PROJECT_SOURCE_DIR@/cmake/debian/copyright DESTINATION ${doc})
  compress(@PROJECT_SOURCE_DIR@/CHANGELOG.md ${doc}/changelog.gz)
  compress(@PROJECT_BINARY_DIR@/package/changelog.Debian ${doc}/changelog.Debian.gz)
  # Of this there is a form of Debian's own.
  file(REMOVE ${doc}/LICENSE ${doc}/CHANGELOG.md)
endforeach()
set(page ${staged}/program/usr/share/man/man1/nightwatt.1)
compress(${page} ${page}.gz)
file(REMOVE ${page})
