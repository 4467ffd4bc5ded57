#include "cli/objects.h"

#include <stdlib.h>

#include "cli/errors.h"
#include "cli/print.h"

enum { DEEPEST = 64 }; /* deeper levels are not indented further */

/* An object whose children are being printed. */
typedef struct object_level {
    uint32_t node, next;
} object_level;

static void print_numbers(const tn_object *object, uint32_t node)
{
    printf(" #%u", node);
    if (object->n_attributes > 0) {
        char *values = text_count(object->n_attributes, "value");
        printf("  %s", values);
        free(values);
    }
    if (object->n_slots > 0) {
        char *slots = text_count(object->n_slots, "slot");
        printf("  %s", slots);
        free(slots);
    }
    fputc('\n', stdout);
}

void objects_print(const tn_object *objects, size_t count)
{
    bool *seen = memory(calloc(count, sizeof *seen));
    object_level *stack =
        memory(calloc(count, sizeof *stack)); /* an object enters it once at most */
    size_t depth = 1;
    seen[0] = true;
    fputs("  root", stdout);
    print_numbers(&objects[0], 0);
    while (depth > 0) {
        object_level *top = &stack[depth - 1];
        if (top->next == objects[top->node].n_children) {
            depth--;
            continue;
        }
        const tn_object_edge *edge = &objects[top->node].children[top->next++];
        printf("%*s", 2 + 2 * (int)(depth < DEEPEST ? depth : DEEPEST), "");
        print_escaped(stdout, edge->name);
        if (edge->node >= count || seen[edge->node]) {
            printf(" -> #%u\n", edge->node);
            continue;
        }
        seen[edge->node] = true;
        print_numbers(&objects[edge->node], edge->node);
        stack[depth++] = (object_level){.node = edge->node};
    }
    free(seen);
    free(stack);
}
