/* Where the filter has not been tested there is no cage, and so no HDF5 input. */
#include "formats/keras_h5/helper/cage.h"

bool tnh_cage_filter(bool lenient)
{
    (void)lenient;
    return false;
}
