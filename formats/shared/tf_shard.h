/* How TensorFlow numbers the files of a set: SSSSS-of-NNNNN, both with five digits or more
 * (tensorflow/core/util/tensor_bundle/naming.cc, tensorflow/python/training/saver.py). */
#ifndef TN_FORMATS_SHARED_TF_SHARD_H
#define TN_FORMATS_SHARED_TF_SHARD_H

#include <stdbool.h>
#include <stdint.h>
#include <tenon/str.h>

/* Reads SSSSS-of-NNNNN, five to ten digits each; false if the text has another form. Where
 * `pattern_out` is not NULL, question marks may stand for all digits of SSSSS: then it is set and
 * the shard is 0. */
bool tni_tf_shard_numbers(tn_str text, uint64_t *shard_out, uint64_t *shards_out,
                          bool *pattern_out);

#endif
