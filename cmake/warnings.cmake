# tn_warnings(TARGET): the project's warnings; errors with TN_WERROR.
function(tn_warnings target)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:
        -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wcast-align
        -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wundef -Wvla -Wformat=2
        -Wnull-dereference -Wdouble-promotion -Wswitch-enum -Wimplicit-fallthrough -Wwrite-strings
        -Wpointer-arith -Wredundant-decls>)
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:
            -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wjump-misses-init>)
    endif()
    if(CMAKE_C_COMPILER_ID MATCHES "Clang" OR CMAKE_C_COMPILER_VERSION VERSION_GREATER_EQUAL 14)
        target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:-Wmissing-variable-declarations>)
    endif()
    if(TN_WERROR)
        target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:-Werror>)
    endif()
endfunction()
