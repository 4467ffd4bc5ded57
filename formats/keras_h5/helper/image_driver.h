/* A driver of libhdf5 that keeps what is written in memory and knows which bytes those are. */
#ifndef TN_KERAS_H5_HELPER_IMAGE_DRIVER_H
#define TN_KERAS_H5_HELPER_IMAGE_DRIVER_H

#include "formats/keras_h5/helper/helper.h"

enum { TNH_PAGE = 4096 };

typedef struct tnh_page {
    uint64_t index; /* of the page in the file */
    uint8_t *bytes;
    uint8_t *written; /* a bit a byte */
} tnh_page;

/* What a file consists of; outlives the file. */
typedef struct tnh_pages {
    tnh_page *at; /* sorted */
    size_t count, room;
    uint64_t end; /* of the file */
} tnh_pages;

/* Makes a file access list whose file is written into `pages`. */
hid_t tnh_image_access(tnh_pages *pages);
/* Sends all that was written as PIECE frames; returns how many. */
uint64_t tnh_image_send(tnh_channel *channel, const tnh_pages *pages);

#endif
