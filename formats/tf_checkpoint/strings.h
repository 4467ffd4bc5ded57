/* TensorFlow's string and variant blocks (WriteStringTensor, WriteVariantTensor of
 * tensorflow/core/util/tensor_bundle/tensor_bundle.cc).
 *
 *     strings: n varint lengths | masked sum of the lengths | the bytes one after another
 *     variants: n times { varint length | bytes | masked running sum }
 *
 * Lengths enter the sums as fixed words, strings' as 4 bytes (8 from 4 GiB on), variants' as 8, in
 * the writer's byte order; so do the stored sums themselves. */
#ifndef TN_FORMATS_TF_CHECKPOINT_STRINGS_H
#define TN_FORMATS_TF_CHECKPOINT_STRINGS_H

#include "core/buffer.h"
#include "model/piece.h"

/* Makes a leaf, whose dtype, elements, source and range are set, a decoder leaf of strings or
 * variants by its dtype. Variants are only verified, never decoded (TN_E_UNSUPPORTED). */
void tni_tf_strings_leaf(tni_leaf *leaf, bool big_endian);

/* Tells whether a leaf's block was written in big-endian order (never for leaves that are none of
 * these blocks). */
bool tni_tf_strings_big_endian(const tni_leaf *leaf);

/* Appends the block of `count` strings, little-endian; *sum_out gets its sum, not masked. */
void tni_tf_strings_encode(const tn_str *strings, size_t count, tni_buffer *out, uint32_t *sum_out);

#endif
