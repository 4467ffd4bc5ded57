/* The words for roles and schemes. */
#include <tenon/model.h>

static const char *const role_names[TN_ROLE_COUNT] = {
    [TN_ROLE_VARIABLE] = "variable", [TN_ROLE_SLOT] = "slot",
    [TN_ROLE_STATE] = "state",       [TN_ROLE_COUNTER] = "counter",
    [TN_ROLE_CONSTANT] = "constant", [TN_ROLE_METADATA] = "metadata",
};

static const char *const scheme_names[TN_SCHEME_COUNT] = {
    [TN_SCHEME_NAME] = "name", [TN_SCHEME_KEY] = "key",     [TN_SCHEME_OBJECT] = "object",
    [TN_SCHEME_FULL] = "full", [TN_SCHEME_ORDER] = "order",
};

const char *tn_role_name(tn_role role)
{
    return role_names[role];
}

const char *tn_scheme_name(tn_scheme scheme)
{
    return scheme_names[scheme];
}

bool tn_scheme_find(const char *name, tn_scheme *scheme_out)
{
    for (int i = 0; i < TN_SCHEME_COUNT; i++) {
        if (strcmp(name, scheme_names[i]) == 0) {
            *scheme_out = (tn_scheme)i;
            return true;
        }
    }
    return false;
}
