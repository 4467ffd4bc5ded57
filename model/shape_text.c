/* Shapes as messages show them. */
#include "model/shape_text.h"

#include <inttypes.h>
#include <stdio.h>

enum { DIM_ROOM = 24, TAIL_ROOM = 8 };

void tni_shape_text(const tn_tensor *tensor, char out[TNI_SHAPE_ROOM])
{
    if (tensor->any_shape) {
        memcpy(out, "?", 2);
        return;
    }
    size_t len = 0;
    out[len++] = '[';
    for (uint32_t i = 0; i < tensor->rank; i++) {
        char dim[DIM_ROOM];
        int wrote = tensor->shape[i] < 0 ? snprintf(dim, sizeof dim, "?")
                                         : snprintf(dim, sizeof dim, "%" PRId64, tensor->shape[i]);
        const char *comma = i > 0 ? ", " : "";
        if (len + (size_t)wrote + 2 + TAIL_ROOM > TNI_SHAPE_ROOM) {
            len += (size_t)snprintf(out + len, TNI_SHAPE_ROOM - len, "%s…", comma);
            break;
        }
        len += (size_t)snprintf(out + len, TNI_SHAPE_ROOM - len, "%s%s", comma, dim);
    }
    out[len++] = ']';
    out[len] = '\0';
}
