# Tests of the engine.
sipc_c_test(rules LIBS sipc_engine)
sipc_c_test(wire LIBS sipc_engine)
sipc_c_test(options LIBS sipc_engine SOURCES tests/vectors.c)
sipc_c_test(pdu LIBS sipc_engine SOURCES tests/vectors.c)
sipc_c_test(window_id LIBS sipc_engine)
sipc_c_test(table LIBS sipc_engine)
sipc_c_test(timers LIBS sipc_engine)
