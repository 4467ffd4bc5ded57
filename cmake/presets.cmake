# tn_presets(TARGET): puts the rule sets of schemas/rules/**/*.yaml into TARGET as a table, and installs them as
# files, with the JSON Schema of their language.
function(tn_presets target)
    set(folder ${CMAKE_SOURCE_DIR}/schemas/rules)
    file(GLOB_RECURSE presets CONFIGURE_DEPENDS ${folder}/*.yaml)
    set(out ${CMAKE_BINARY_DIR}/schemas/presets_table.c)
    file(CONFIGURE OUTPUT ${out}.list CONTENT "${presets}\n") # changes where a file comes or goes
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -D FOLDER=${folder} -D OUT=${out} -P ${CMAKE_SOURCE_DIR}/cmake/embed-presets.cmake
        DEPENDS ${presets} ${out}.list ${CMAKE_SOURCE_DIR}/cmake/embed-presets.cmake)
    target_sources(${target} PRIVATE ${out})
    install(FILES ${CMAKE_SOURCE_DIR}/schemas/rules.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/tenon)
    install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_DATADIR}/tenon FILES_MATCHING PATTERN "*.yaml")
endfunction()
