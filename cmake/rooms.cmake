# tn_room(NAME ROOMS…): one object library tn_NAME of all C files below NAME/, which may use the rooms named.
function(tn_room name)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.c)
    list(FILTER sources EXCLUDE REGEX "/keras_h5/helper/")
    add_library(tn_${name} OBJECT ${sources})
    target_include_directories(tn_${name} PRIVATE ${CMAKE_SOURCE_DIR} PUBLIC ${CMAKE_SOURCE_DIR}/include)
    target_include_directories(tn_${name} SYSTEM PRIVATE $<TARGET_PROPERTY:tn_dependencies,INTERFACE_INCLUDE_DIRECTORIES>)
    tn_warnings(tn_${name})
    tn_harden(tn_${name})
endfunction()

# tn_program(TARGET FOLDER): the program `tenon`, from FOLDER's C files over the public headers only.
function(tn_program target folder)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.c)
    add_executable(${target} ${sources})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME tenon RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}
                                               LINKER_LANGUAGE CXX)
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE tenon)
    tn_warnings(${target})
    tn_harden(${target})
endfunction()
