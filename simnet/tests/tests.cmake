# Unit tests of the simulator; they may look into src/.
function(simnet_test name)
  sipc_c_test(${name} LIBS sipc_simnet SOURCES ${ARGN})
  if(TARGET test_${name})
    target_include_directories(test_${name} PRIVATE src tests)
    target_compile_definitions(test_${name} PRIVATE _GNU_SOURCE)
  endif()
endfunction()

simnet_test(simnet_core)
simnet_test(simnet_links tests/lane.c)
simnet_test(simnet_traces tests/lane.c)
simnet_test(simnet_hosts tests/pair.c)
simnet_test(simnet_checks tests/pair.c)
