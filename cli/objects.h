/* The object graph of a TensorFlow checkpoint, as a tree for people and as JSON. */
#ifndef TENON_CLI_OBJECTS_H
#define TENON_CLI_OBJECTS_H

#include <tenon/model.h>
#include <tenon/text.h>

/* Prints the graph from its root as a tree, depth first: an object a line, with its number, its
 * values, and behind its edges the slots that it owns. An object that was already printed is a
 * reference to its number, so shared objects and cycles end there. Objects that no edge leads to
 * come last. */
void objects_print(const tn_model *model);
/* Writes the graph as {"nodes": […]}, by number; null where there is none. */
void objects_json(tn_json_out *out, const tn_model *model);

#endif
