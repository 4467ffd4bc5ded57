/* Single values of text protos. */
#ifndef TN_FORMATS_SAVED_MODEL_TEXT_VALUE_H
#define TN_FORMATS_SAVED_MODEL_TEXT_VALUE_H

#include "formats/saved_model/text_token.h"
#include <protobuf-c/protobuf-c.h>

/* Appends a field with a value that is no message to the wire. Returns NULL, or why the token is no
 * value of it. */
const char *tni_sm_text_value(const ProtobufCFieldDescriptor *field, const tni_sm_token *token,
                              tni_buffer *out);

#endif
