# Tests of the engine.
sipc_c_test(rules LIBS sipc_engine)
