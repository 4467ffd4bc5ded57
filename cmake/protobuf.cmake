# tn_protobuf(TARGET): compiles schemas/proto/*.proto with protoc-c and adds the result to TARGET.
function(tn_protobuf target)
    find_program(PROTOC_C protoc-c REQUIRED)
    file(GLOB protos CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/schemas/proto/*.proto)
    set(out ${CMAKE_BINARY_DIR}/schemas)
    file(MAKE_DIRECTORY ${out})
    foreach(proto ${protos})
        get_filename_component(name ${proto} NAME_WE)
        add_custom_command(OUTPUT ${out}/${name}.pb-c.c ${out}/${name}.pb-c.h
            COMMAND ${PROTOC_C} --proto_path=${CMAKE_SOURCE_DIR}/schemas/proto --c_out=${out} ${proto}
            DEPENDS ${proto})
        set_source_files_properties(${out}/${name}.pb-c.c PROPERTIES COMPILE_OPTIONS "-w")
        target_sources(${target} PRIVATE ${out}/${name}.pb-c.c ${out}/${name}.pb-c.h)
    endforeach()
    target_include_directories(${target} SYSTEM PRIVATE ${CMAKE_BINARY_DIR})
endfunction()
