# ferry_layer(NAME SOURCES ... DEPENDS ... LINKS ...): one layer of the library.
#
# DEPENDS names the layers it may use (tests/layering checks the includes); LINKS names libraries from
# outside. Makes `ferry_NAME`, a static library to test the layer on its own, and `ferry_NAME_objects`,
# from which cmake/FerryLibrary.cmake builds the one library that is installed.
set(FERRY_INCLUDES "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/runtime/include"
                   "${PROJECT_BINARY_DIR}/generated")

function(ferry_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 layer "" "" "SOURCES;DEPENDS;LINKS")
  add_library(ferry_${name}_objects OBJECT ${layer_SOURCES})
  add_library(ferry_${name} STATIC $<TARGET_OBJECTS:ferry_${name}_objects>)
  foreach(target ferry_${name}_objects ferry_${name})
    target_include_directories(${target} PUBLIC ${FERRY_INCLUDES})
    target_link_libraries(${target} PUBLIC ${layer_LINKS} Threads::Threads)
  endforeach()
  target_link_libraries(ferry_${name}_objects PRIVATE ferry_warnings)
  foreach(dependency IN LISTS layer_DEPENDS)
    target_link_libraries(ferry_${name} PUBLIC ferry_${dependency})
    # Layers below may generate headers: build them first.
    add_dependencies(ferry_${name}_objects ferry_${dependency}_objects)
  endforeach()
  set_property(GLOBAL APPEND PROPERTY FERRY_LAYERS ${name})
endfunction()
