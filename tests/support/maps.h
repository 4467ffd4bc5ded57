/* Index maps told element by element, and a seeded generator, for tests of the maps. */
#ifndef TN_TESTS_SUPPORT_MAPS_H
#define TN_TESTS_SUPPORT_MAPS_H

#include "model/map.h"

enum { MAPS_RANK = 6 };

typedef struct maps_random {
    uint64_t seed; /* what the case began with */
    uint64_t state;
} maps_random;

/* Starts a case; its checks name the seed. */
maps_random maps_seed(uint64_t seed);
/* Draws from [0, below). */
int64_t maps_draw(maps_random *random, int64_t below);
/* Fails the test with the seed of the case unless `ok`. */
void maps_check(const maps_random *random, bool ok, const char *what);

typedef struct maps_shape {
    uint32_t rank;
    int64_t size[MAPS_RANK];
} maps_shape;

/* Draws a shape of rank 0 … 6, sizes 0 … 7 (zeros are rare), of at most `most` elements. */
maps_shape maps_draw_shape(maps_random *random, int64_t most);
int64_t maps_shape_elements(const maps_shape *shape);
/* Draws another shape of as many elements, by splitting and merging axes. */
maps_shape maps_draw_reshape(maps_random *random, int64_t elements);
/* Draws a slice that lies within the shape. */
void maps_draw_slice(maps_random *random, const maps_shape *shape, int64_t *start, int64_t *step,
                     maps_shape *part);
void maps_draw_order(maps_random *random, uint32_t rank, uint32_t *order);

/* Returns the row-major element number of an index. */
int64_t maps_flat(const maps_shape *shape, const int64_t *index);
/* Turns an element number into an index. */
void maps_index(const maps_shape *shape, int64_t flat, int64_t *index);

/* Lists a map's elements by walking the whole nest: to_out[i] comes from from_out[i]. Both arrays
 * have room for tni_map_elements. Returns how many there are. */
int64_t maps_walk(const tni_map *map, int64_t *to_out, int64_t *from_out);
/* Tells whether a map is canonical as model/map.h defines it. */
bool maps_canonical(const tni_map *map);

#endif
