# Unit tests of the simulator; they may look into src/.
function(simnet_test name)
  sipc_c_test(${name} LIBS sipc_simnet SOURCES ${ARGN})
  if(TARGET test_${name})
    target_include_directories(test_${name} PRIVATE src tests)
    target_compile_definitions(test_${name} PRIVATE _GNU_SOURCE)
  endif()
endfunction()

simnet_test(simnet_core)
simnet_test(simnet_calendar)
simnet_test(simnet_links tests/lane.c)
simnet_test(simnet_traces tests/lane.c)
simnet_test(simnet_hosts tests/pair.c)
simnet_test(simnet_checks tests/pair.c)
simnet_test(simnet_determinism tests/golden.c)
simnet_test(simnet_export tests/export_worlds.c)
pkg_check_modules(PCAP REQUIRED IMPORTED_TARGET libpcap)
target_link_libraries(test_simnet_export PRIVATE sipc_simnet_export PkgConfig::PCAP)

# Traces of small worlds, for the tests that read them with other people's tools.
add_executable(simnet_export_sample tests/export_sample.c tests/export_worlds.c)
target_link_libraries(simnet_export_sample PRIVATE sipc_simnet_export)
sipc_target(simnet_export_sample)

sipc_c_test(simnet_explore LIBS simnet_explore)
if(TARGET test_simnet_explore)
  add_dependencies(test_simnet_explore simnet_naive)
endif()

sipc_c_test(simnet_explore_sx LIBS simnet_cli simnet_explore conform_script)
