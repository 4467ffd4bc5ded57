/* Which groups a legacy file gets, which weights are in them, and in which order. */
#ifndef TN_FORMATS_KERAS_H5_LEGACY_PLAN_H
#define TN_FORMATS_KERAS_H5_LEGACY_PLAN_H

#include "formats/keras_h5/write.h"

typedef struct tni_legacy_weight {
    uint32_t tensor; /* of the written model */
    tn_str name;     /* relative to its group */
    uint32_t group;  /* before sorting: as groups were made */
    uint32_t rank;
} tni_legacy_weight;

typedef struct tni_legacy_group {
    tn_str name;
    uint32_t rank; /* of its first weight; without weights: of the next weight */
    uint32_t number;
    uint32_t first, count; /* its weights */
    bool is_top, is_optimizer;
} tni_legacy_group;

typedef struct tni_legacy_plan {
    tni_legacy_group *groups; /* in the order of layers */
    uint32_t n_groups;
    tni_legacy_weight *weights; /* in the order of groups, then of weights */
    bool proved;                /* the order rests on the source's own */
    bool carries;               /* the source is of this layout */
    tni_keras_file file;        /* it, then */
} tni_legacy_plan;

/* Decides for each tensor of the written model. The plan lives in the write's arena. */
tn_status tni_legacy_plan_make(tni_write *write, tni_legacy_plan *plan_out, tn_error *err);

#endif
