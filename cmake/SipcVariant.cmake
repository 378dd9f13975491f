# Other builds of the engine, each with one thing different, for harnesses that must find out what is
# wrong with them. A variant is a patch of some of the engine's sources, applied to copies at build
# time; all else of the engine comes from a library that stands behind the copies on the linker's
# line, which then needs nothing of the files that were replaced.
find_program(PATCH_PROGRAM patch REQUIRED)

# sipc_engine_patched(OUT NAME PATCH): a list of sources, patched copies of the engine's, for a target
# of this folder whose include path has engine/src. A hunk must fit where it says, to the letter.
function(sipc_engine_patched out name patch)
  set(engine_dir ${PROJECT_SOURCE_DIR}/engine)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${patch})
  file(STRINGS ${patch} files REGEX "^\\+\\+\\+ b/")
  if(NOT files)
    message(FATAL_ERROR "${patch}: expected a line '+++ b/src/FILE.c', found none")
  endif()
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name})
  list(TRANSFORM files REPLACE "^\\+\\+\\+ b/" "")
  list(TRANSFORM files PREPEND ${engine_dir}/ OUTPUT_VARIABLE originals)
  list(TRANSFORM files PREPEND ${folder}/ OUTPUT_VARIABLE copies)
  file(MAKE_DIRECTORY ${folder}/src)
  add_custom_command(OUTPUT ${copies}
    COMMAND ${CMAKE_COMMAND} -E copy ${originals} ${folder}/src
    COMMAND ${PATCH_PROGRAM} --silent --fuzz 0 --no-backup-if-mismatch --strip 1
      --directory ${folder} --input ${patch}
    DEPENDS ${originals} ${patch}
    COMMENT "Variant ${name}"
    VERBATIM)
  set(${out} ${copies} PARENT_SCOPE)
endfunction()

# sipc_engine_module(TARGET NAME SOURCES file... LIBS lib...): NAME.so in the binary folder, of patched
# copies (or none) and an adapter. The engine's library comes with LIBS.
function(sipc_engine_module target name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${target} MODULE ${arg_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/engine/src)
  target_link_libraries(${target} PRIVATE ${arg_LIBS})
  # What is called within the object is its own, not that of the program which loads it.
  target_link_options(${target} PRIVATE -Wl,-Bsymbolic)
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME ${name})
endfunction()
