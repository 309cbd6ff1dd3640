# What `cmake --install` puts where, for find_package(ferry) and for pkg-config.
include(CMakePackageConfigHelpers)

set(FERRY_INSTALL_CMAKEDIR "${CMAKE_INSTALL_LIBDIR}/cmake/ferry")
set(FERRY_INSTALL_IDLDIR "${CMAKE_INSTALL_DATADIR}/ferry/idl")

install(TARGETS ferry capnpc-ferry EXPORT ferry-targets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(EXPORT ferry-targets NAMESPACE ferry:: DESTINATION "${FERRY_INSTALL_CMAKEDIR}")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/runtime/include/ferry"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
# What capnp and the plugin made of ferry/rpc.capnp: generated code includes it.
install(FILES "${PROJECT_BINARY_DIR}/generated/ferry/rpc.capnp.h"
              "${PROJECT_BINARY_DIR}/generated/ferry/rpc.capnp.ferry.h"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/ferry")
# `import "/ferry/rpc.capnp"` resolves with -I ${FERRY_INSTALL_IDLDIR}.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/idl/ferry" DESTINATION "${FERRY_INSTALL_IDLDIR}"
        FILES_MATCHING PATTERN "*.capnp")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/ferry-config.cmake.in"
                              "${PROJECT_BINARY_DIR}/ferry-config.cmake"
                              INSTALL_DESTINATION "${FERRY_INSTALL_CMAKEDIR}"
                              PATH_VARS FERRY_INSTALL_IDLDIR)
# 0.x promises nothing from one minor version to the next.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/ferry-config-version.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/ferry-config.cmake"
              "${PROJECT_BINARY_DIR}/ferry-config-version.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FerryGenerate.cmake"
        DESTINATION "${FERRY_INSTALL_CMAKEDIR}")

# ${pcfiledir} keeps the installed tree movable.
file(RELATIVE_PATH FERRY_PC_TO_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file("${PROJECT_SOURCE_DIR}/cmake/ferry.pc.in" "${PROJECT_BINARY_DIR}/ferry.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/ferry.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
