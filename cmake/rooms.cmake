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

# tn_program(TARGET FOLDER): the program `tenon`, from FOLDER's C files over the public headers only. All but main.c are an
# object library tn_FOLDER, so that the generator of man pages has the same tables.
function(tn_program target folder)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.c)
    list(FILTER sources EXCLUDE REGEX "/main\\.c$")
    add_library(tn_${folder} OBJECT ${sources})
    target_include_directories(tn_${folder} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)
    add_executable(${target} ${folder}/main.c)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME tenon RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}
                                               LINKER_LANGUAGE CXX)
    target_link_libraries(${target} PRIVATE tn_${folder} tenon)
    foreach(each ${target} tn_${folder})
        tn_warnings(${each})
        tn_harden(${each})
    endforeach()
endfunction()

# tn_man_pages(FOLDER): man pages of the program and of each verb in build/man, made from the option tables.
function(tn_man_pages folder)
    add_executable(make-man ${folder}/man/make_man.c)
    set_target_properties(make-man PROPERTIES LINKER_LANGUAGE CXX)
    target_link_libraries(make-man PRIVATE tn_${folder} tenon)
    tn_warnings(make-man)
    tn_harden(make-man)
    add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/man/tenon.1
        COMMAND ${CMAKE_SOURCE_DIR}/scripts/make-man $<TARGET_FILE:make-man> ${CMAKE_BINARY_DIR}/man
        DEPENDS make-man ${CMAKE_SOURCE_DIR}/scripts/make-man)
    add_custom_target(man ALL DEPENDS ${CMAKE_BINARY_DIR}/man/tenon.1)
    install(DIRECTORY ${CMAKE_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endfunction()
