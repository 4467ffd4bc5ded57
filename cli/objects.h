/* The tree of an object graph as text. */
#ifndef TENON_CLI_OBJECTS_H
#define TENON_CLI_OBJECTS_H

#include <tenon/model.h>

/* Prints the graph from its root as a tree, depth first; an object that was already printed is a
 * reference to its number, so shared objects and cycles end there. */
void objects_print(const tn_object *objects, size_t count);

#endif
