# The first python3 that can import what the tests need: Debian's before one of the user's own,
# since the modules come as Debian packages. Empty if there is none.
function(nightwatt_find_python variable)
  if(${variable})
    return()
  endif()
  list(JOIN ARGN "," modules)
  foreach(candidate IN ITEMS /usr/bin/python3 python3)
    execute_process(COMMAND ${candidate} -c "import ${modules}"
      RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
    if(status EQUAL 0)
      set(${variable} ${candidate} CACHE FILEPATH "Python with ${modules}")
      return()
    endif()
  endforeach()
endfunction()
