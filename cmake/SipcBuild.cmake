# How every target of the project is compiled: C11, warnings as errors, sanitizers on request.
# sipc_target(NAME) is called once for each library or program, or sipc_test_target(NAME).

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

add_library(sipc_build INTERFACE)
target_compile_options(sipc_build INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
  -Wcast-qual -Wundef -Wvla -Wwrite-strings -Wformat=2)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  # gcc 12 takes what open_memstream stores through a pointer for the pointer itself.
  target_compile_options(sipc_build INTERFACE -Wno-dangling-pointer)
endif()
if(SIPC_WERROR)
  target_compile_options(sipc_build INTERFACE -Werror)
endif()
if(SIPC_SANITIZE)
  target_compile_options(sipc_build INTERFACE
    -fsanitize=${SIPC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(sipc_build INTERFACE -fsanitize=${SIPC_SANITIZE})
endif()

function(sipc_target name)
  target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:sipc_build>)
endfunction()

# The same for a program that only tests. It links the ordinary code that a release holds beside what
# is optimised as a whole: that takes seconds for each program, and is tested by the program sipc.
function(sipc_test_target name)
  sipc_target(${name})
  target_link_options(${name} PRIVATE -fno-lto)
endfunction()

# sipc_embed(TARGET FILE SYMBOL): FILE as `const char SYMBOL[]` and `const size_t SYMBOL_size`, a
# source of TARGET.
function(sipc_embed target file symbol)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${CMAKE_CURRENT_SOURCE_DIR}/${file} -DOUTPUT=${output}
            -DSYMBOL=${symbol} -P ${script}
    DEPENDS ${file} ${script}
    COMMENT "Embedding ${file}"
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()

# sipc_c_test(NAME LIBS lib... [SOURCES file...]): a cmocka program tests/test_NAME.c, run by ctest
# under the label of its top-level folder.
function(sipc_c_test name)
  cmake_parse_arguments(arg "" "" "LIBS;SOURCES;ARGS" ${ARGN})
  if(NOT BUILD_TESTING)
    return()
  endif()
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
  add_executable(test_${name} tests/test_${name}.c ${arg_SOURCES})
  sipc_test_target(test_${name})
  target_link_libraries(test_${name} PRIVATE ${arg_LIBS} PkgConfig::CMOCKA)
  target_compile_definitions(test_${name} PRIVATE
    SIPC_SOURCE_DIR="${PROJECT_SOURCE_DIR}" SIPC_BINARY_DIR="${PROJECT_BINARY_DIR}")
  add_test(NAME ${name} COMMAND test_${name} ${arg_ARGS})
  file(RELATIVE_PATH folder "${PROJECT_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  string(REGEX REPLACE "/.*" "" folder "${folder}")
  set_tests_properties(${name} PROPERTIES LABELS "${folder}")
endfunction()
