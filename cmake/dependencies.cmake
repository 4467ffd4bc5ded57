# tn_dependencies: the libraries that libtenon needs, linked statically so that the program starts as fast as an empty
# one. Debian's archives are not position-independent, so the program is linked with -no-pie.
find_package(Threads REQUIRED)
add_library(tn_dependencies INTERFACE)

function(tn_static_library name header)
    find_library(TN_LIB_${name} NAMES lib${name}.a REQUIRED)
    find_path(TN_INCLUDE_${name} NAMES ${header} REQUIRED)
    target_link_libraries(tn_dependencies INTERFACE ${TN_LIB_${name}})
    target_include_directories(tn_dependencies INTERFACE ${TN_INCLUDE_${name}})
endfunction()

tn_static_library(snappy snappy-c.h)
tn_static_library(protobuf-c protobuf-c/protobuf-c.h)
tn_static_library(z zlib.h)
tn_static_library(yaml yaml.h)
tn_static_library(pcre2-8 pcre2.h)
target_link_libraries(tn_dependencies INTERFACE Threads::Threads m)
target_link_options(tn_dependencies INTERFACE -no-pie -static-libgcc -static-libstdc++)
