/* Names that are near to one that does not exist. */
#include "model/near.h"
#include <tenon/text.h>

/* Costs: less is nearer. One edit costs 2, so that `W` -> `scope/W` comes before two edits and
 * after one. */
enum {
    COST_EDIT = 2,
    COST_TAIL = 3,         /* the one ends with the other, at a separator */
    COST_COMPONENTS = 10,  /* less 1 for each equal last component */
    COST_HEAD = 9,         /* the one is a scope above the other */
    COST_EDITED_TAIL = 11, /* the last components differ by an edit or two */
    COST_NONE = 1000
};

static bool is_separator(char c)
{
    return c == '/' || c == '.';
}

/* Tells whether `longer` ends with `shorter` at a separator. */
static bool has_tail(tn_str longer, tn_str shorter)
{
    return shorter.len > 0 && longer.len > shorter.len && tn_str_ends(longer, shorter) &&
           is_separator(longer.data[longer.len - shorter.len - 1]);
}

static bool has_head(tn_str longer, tn_str shorter)
{
    return shorter.len > 0 && longer.len > shorter.len && tn_str_starts(longer, shorter) &&
           (is_separator(longer.data[shorter.len]) || is_separator(shorter.data[shorter.len - 1]));
}

/* Counts the components, from the last one on, that both have. */
static unsigned equal_components(tn_str a, tn_str b)
{
    size_t i = 0;
    unsigned count = 0;
    while (i < a.len && i < b.len && a.data[a.len - 1 - i] == b.data[b.len - 1 - i]) {
        count += is_separator(a.data[a.len - 1 - i]);
        i++;
    }
    bool a_ends = i == a.len || is_separator(a.data[a.len - 1 - i]);
    bool b_ends = i == b.len || is_separator(b.data[b.len - 1 - i]);
    return i > 0 && a_ends && b_ends ? count + 1 : count;
}

static tn_str last_component(tn_str name)
{
    size_t at = name.len;
    while (at > 0 && !is_separator(name.data[at - 1])) {
        at--;
    }
    return tn_str_skip(name, at);
}

/* Returns the cost of edits up to a third of the name, or COST_NONE. */
static unsigned edit_cost(tn_str wanted, tn_str name, unsigned base)
{
    size_t difference = wanted.len > name.len ? wanted.len - name.len : name.len - wanted.len;
    size_t third = wanted.len / 3;
    unsigned most = third > 6 ? 6 : third == 0 ? 1 : (unsigned)third;
    if (difference > most || wanted.len < 2) {
        return COST_NONE;
    }
    unsigned edits = tn_edit_distance(wanted, name, most + 1);
    return edits <= most ? base + COST_EDIT * edits : COST_NONE;
}

static unsigned lesser(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned cost_of(tn_str wanted, tn_str name)
{
    unsigned cost = edit_cost(wanted, name, 0);
    if (has_tail(name, wanted) || has_tail(wanted, name)) {
        cost = lesser(cost, COST_TAIL);
    }
    if (has_head(name, wanted) || has_head(wanted, name)) {
        cost = lesser(cost, COST_HEAD);
    }
    unsigned components = equal_components(wanted, name);
    if (components > 0) {
        cost = lesser(cost, COST_COMPONENTS - lesser(components, 6));
    }
    if (cost == COST_NONE) {
        cost = edit_cost(last_component(wanted), last_component(name), COST_EDITED_TAIL);
    }
    return cost;
}

size_t tni_near(const tn_model *model, tn_scheme scheme, tn_str wanted,
                uint32_t near_out[TNI_NEAR_MOST])
{
    unsigned costs[TNI_NEAR_MOST];
    size_t found = 0;
    for (size_t i = 0; i < tn_model_count(model); i++) {
        const tn_tensor *tensor = tn_model_at(model, i);
        tn_str name = tensor->alias[scheme];
        unsigned cost =
            tensor->hidden
                ? COST_NONE
                : cost_of(wanted, name.data != NULL ? name : tensor->alias[TN_SCHEME_NAME]);
        size_t at = found;
        while (at > 0 && cost < costs[at - 1]) {
            at--;
        }
        if (cost == COST_NONE || at == TNI_NEAR_MOST) {
            continue;
        }
        found += found < TNI_NEAR_MOST;
        for (size_t k = found - 1; k > at; k--) {
            costs[k] = costs[k - 1];
            near_out[k] = near_out[k - 1];
        }
        costs[at] = cost;
        near_out[at] = (uint32_t)i;
    }
    return found;
}
