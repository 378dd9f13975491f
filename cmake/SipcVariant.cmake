# Other builds of the engine, each with one thing different, as shared objects: for harnesses that
# must find out what is wrong with them. A variant is a patch of some of the engine's sources, applied
# to copies at build time, which are linked with the rest of the engine and an adapter.
find_program(PATCH_PROGRAM patch REQUIRED)

# sipc_engine_variant(TARGET NAME ADAPTERS file... LIBS lib... [PATCH file]): NAME.so in the binary
# folder; the engine's library comes with LIBS.
function(sipc_engine_variant target name)
  cmake_parse_arguments(arg "" "PATCH" "ADAPTERS;LIBS" ${ARGN})
  set(engine_dir ${PROJECT_SOURCE_DIR}/engine)
  set(copies)
  if(arg_PATCH)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${arg_PATCH})
    file(STRINGS ${arg_PATCH} files REGEX "^\\+\\+\\+ b/")
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name})
    list(TRANSFORM files REPLACE "^\\+\\+\\+ b/" "")
    list(TRANSFORM files PREPEND ${engine_dir}/ OUTPUT_VARIABLE originals)
    list(TRANSFORM files PREPEND ${folder}/ OUTPUT_VARIABLE copies)
    file(MAKE_DIRECTORY ${folder}/src)
    add_custom_command(OUTPUT ${copies}
      COMMAND ${CMAKE_COMMAND} -E copy ${originals} ${folder}/src
      COMMAND ${PATCH_PROGRAM} --silent --no-backup-if-mismatch --strip 1 --directory ${folder}
        --input ${arg_PATCH}
      DEPENDS ${originals} ${arg_PATCH}
      COMMENT "Variant ${name}"
      VERBATIM)
  endif()
  add_library(${target} MODULE ${arg_ADAPTERS} ${copies})
  target_include_directories(${target} PRIVATE ${engine_dir}/src)
  # The engine's library comes last: the linker needs nothing of the file that was replaced. And what
  # is called within the object is its own, not that of the program which loads it.
  target_link_libraries(${target} PRIVATE ${arg_LIBS})
  target_link_options(${target} PRIVATE -Wl,-Bsymbolic)
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME ${name})
  sipc_target(${target})
endfunction()
