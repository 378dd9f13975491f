# Installs the program sipc with its data: the suite, the rules, the descriptions of the script
# language and of how an implementation is attached, and the templates to start one from.
include(GNUInstallDirs)
set(sipc_data_dir "${CMAKE_INSTALL_DATADIR}/sipc")

install(TARGETS sipc RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(DIRECTORY conformance/suite DESTINATION "${sipc_data_dir}"
  FILES_MATCHING PATTERN "*.sx")
install(DIRECTORY simnet/scenarios DESTINATION "${sipc_data_dir}")
install(DIRECTORY conformance/sut/templates DESTINATION "${sipc_data_dir}"
  PATTERN "CMakeLists.txt" EXCLUDE PATTERN "__pycache__" EXCLUDE)
install(FILES conformance/RULES.md conformance/script/SX.md conformance/sut/SUT-CONTRACT.md
  conformance/include/conform/sut_abi.h DESTINATION "${sipc_data_dir}")
