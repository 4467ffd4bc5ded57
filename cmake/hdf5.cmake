# tenon-hdf5: the helper program that libhdf5 runs in, linked statically with Debian's archive. FindHDF5 offers the shared
# library, which pulls in curl, OpenSSL, Kerberos and LDAP and takes four times as long to start.
find_library(TN_LIB_hdf5 NAMES libhdf5_serial.a libhdf5.a PATH_SUFFIXES hdf5/serial REQUIRED)
find_path(TN_INCLUDE_hdf5 NAMES hdf5.h PATH_SUFFIXES hdf5/serial REQUIRED)
find_library(TN_LIB_sz NAMES libsz.a REQUIRED)
find_library(TN_LIB_aec NAMES libaec.a REQUIRED)

# The cage's filter is written for one processor.
set(TN_CAGE ${CMAKE_SOURCE_DIR}/formats/keras_h5/helper/cage.c)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    list(APPEND TN_CAGE ${CMAKE_SOURCE_DIR}/formats/keras_h5/helper/filter_x86_64.c)
else()
    list(APPEND TN_CAGE ${CMAKE_SOURCE_DIR}/formats/keras_h5/helper/filter_other.c)
endif()

file(GLOB TN_HELPER CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/formats/keras_h5/helper/*.c)
list(FILTER TN_HELPER EXCLUDE REGEX "/(cage|filter_[a-z0-9_]+)\\.c$")
add_executable(tenon-hdf5 ${TN_HELPER} ${TN_CAGE} core/cursor.c model/dtype.c)
set_target_properties(tenon-hdf5 PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
target_include_directories(tenon-hdf5 PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)
target_include_directories(tenon-hdf5 SYSTEM PRIVATE ${TN_INCLUDE_hdf5})
target_link_libraries(tenon-hdf5 PRIVATE ${TN_LIB_hdf5} ${TN_LIB_sz} ${TN_LIB_aec} ${TN_LIB_z} ${CMAKE_DL_LIBS} m
                                         Threads::Threads)
target_link_options(tenon-hdf5 PRIVATE -no-pie)
tn_warnings(tenon-hdf5)
tn_harden(tenon-hdf5)

# Where the program looks for it when it does not lie beside it.
include(GNUInstallDirs)
install(TARGETS tenon-hdf5 RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/tenon)
target_compile_definitions(tn_formats PRIVATE TN_LIBEXEC="${CMAKE_INSTALL_FULL_LIBEXECDIR}/tenon")
