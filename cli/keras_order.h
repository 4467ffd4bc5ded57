/* `get --keras-order`: weights as Keras's get_weights() lists them. */
#ifndef TENON_CLI_KERAS_ORDER_H
#define TENON_CLI_KERAS_ORDER_H

#include "cli/choose.h"

/* Chooses the weights of the layers that the arguments from `first` on name, in their order; none:
 * of the whole model. Each layer's weights come in the order of get_weights(). Free with
 * choice_clear. Errors: TN_E_IMPOSSIBLE where the input does not tell that order, TN_E_NO_SUCH_NAME
 * for a layer that is not there. */
tn_status keras_order_make(const cli_state *cli, const tn_model *model, size_t first,
                           cli_choice *choice_out, tn_error *err);

#endif
