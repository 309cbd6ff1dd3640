# ferry: every layer in one static library.
get_property(layers GLOBAL PROPERTY FERRY_LAYERS)
set(objects ${layers})
list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:ferry_\\1_objects>")
add_library(ferry STATIC ${objects})
add_library(ferry::ferry ALIAS ferry)
target_include_directories(ferry PUBLIC "$<BUILD_INTERFACE:${FERRY_INCLUDES}>"
                                        "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_link_libraries(ferry PUBLIC CapnProto::capnp-rpc CapnProto::capnp PkgConfig::uv Threads::Threads)
