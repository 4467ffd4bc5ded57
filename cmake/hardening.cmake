# tn_harden(TARGET): what every object of the library and the programs is compiled with.
function(tn_harden target)
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE _FILE_OFFSET_BITS=64)
    target_compile_options(${target} PRIVATE -fstack-protector-strong -fno-strict-aliasing -fPIE)
    if(TN_SANITIZE)
        target_compile_options(${target} PRIVATE -fsanitize=address,undefined
                               -fno-sanitize-recover=all -fno-omit-frame-pointer)
        target_compile_definitions(${target} PRIVATE TN_SANITIZED=1)
    elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
        target_compile_definitions(${target} PRIVATE _FORTIFY_SOURCE=2)
    endif()
endfunction()

if(TN_SANITIZE)
    add_link_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
endif()
