/* Copying of one plane of a gathered box, the innermost loops of it. For map_gather.c only. */
#ifndef TN_MODEL_MAP_PLANE_H
#define TN_MODEL_MAP_PLANE_H

#include <stddef.h>

/* One loop: strides are in bytes. */
typedef struct tni_plane_axis {
    size_t size, to, from;
} tni_plane_axis;

/* Copies p × q units of `unit` bytes. The output must be dense along q as far as it is dense at
 * all; nothing overlaps. Fast where the leaf is dense along q (runs of units), or along p (a
 * transpose) for units of 1, 2, 4 and 8 bytes. */
void tni_plane_copy(size_t unit, tni_plane_axis p, tni_plane_axis q, const char *leaf, char *out);

#endif
