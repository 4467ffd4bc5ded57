/* Signals: work that stages files is cancelled and unwound before the program dies of the signal.
 */
#ifndef TENON_CLI_SIGNALS_H
#define TENON_CLI_SIGNALS_H

#include <tenon/context.h>

/* Makes a write to a file beyond the size limit fail instead of killing, and a closed pipe kill
 * silently. */
void signals_prepare(void);
/* Makes INT, TERM and HUP cancel the context (those that the caller did not ignore). */
void signals_cancel(tn_context *ctx);
/* Dies of the signal that cancelled the work, if there was one. */
void signals_finish(void);

#endif
