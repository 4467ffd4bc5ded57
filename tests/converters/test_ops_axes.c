/* The texts that name axes. */
#include "converters/ops.h"

/* Checks a side, given as "0 1|2|": numbers of axes, a bar behind each dimension. */
static void same_side(const tni_axes_side *side, const char *wanted)
{
    char found[256] = "";
    size_t len = 0;
    uint32_t axis = 0;
    for (uint32_t k = 0; k < side->rank; k++) {
        for (; axis < side->end[k]; axis++) {
            len +=
                (size_t)snprintf(found + len, sizeof found - len, "%" PRIu32 " ", side->axis[axis]);
        }
        len += (size_t)snprintf(found + len, sizeof found - len, "|");
    }
    assert_string_equal(found, wanted);
}

static void reads_letters(void **state)
{
    ops *o = *state;
    const tni_axes *axes = ops_letters(o, "hwio->oihw");
    assert_int_equal(axes->count, 4);
    same_side(&axes->left, "0 |1 |2 |3 |");
    same_side(&axes->right, "3 |2 |0 |1 |");
    assert_int_equal(tni_axes_find(axes, TN_LIT("i")), 2);
    assert_int_equal(tni_axes_find(axes, TN_LIT("x")), TNI_AXES_MOST);
    axes = ops_letters(o, "aA->Aa");
    same_side(&axes->right, "1 |0 |");
    axes = ops_letters(o, "->");
    assert_int_equal(axes->count + axes->left.rank + axes->right.rank, 0);
}

static void reads_words(void **state)
{
    ops *o = *state;
    const tni_axes *axes = ops_words(o, "(h two d) x -> (h d two) x");
    assert_int_equal(axes->count, 4);
    same_side(&axes->left, "0 1 2 |3 |");
    same_side(&axes->right, "0 2 1 |3 |");
    assert_int_equal(tni_axes_find(axes, TN_LIT("two")), 1);
    axes = ops_words(o, "h w c m->(c m) 1 h w");
    same_side(&axes->left, "0 |1 |2 |3 |");
    same_side(&axes->right, "2 3 ||0 |1 |");
    axes = ops_words(o, "  1 i o ->i  o ");
    same_side(&axes->left, "|0 |1 |");
    same_side(&axes->right, "0 |1 |");
    axes = ops_words(o, "(a_1) (1 b2)->() b2 a_1");
    same_side(&axes->left, "0 |1 |");
    same_side(&axes->right, "|1 |0 |");
}

static void fails(tn_status (*parse)(tni_arena *, tn_str, tni_axes *, size_t *, tn_error *), ops *o,
                  const char *text, size_t offset, const char *message)
{
    tni_axes axes = {.count = 77};
    size_t at = 0;
    tn_error err = {0};
    assert_int_equal(parse(&o->arena, tn_str_of(text), &axes, &at, &err), TN_RULE_FILE);
    assert_int_equal(err.code, TN_E_RULE);
    assert_string_equal(err.message, message);
    assert_int_equal(at, offset);
    assert_int_equal(axes.count, 77);
}

static void refuses_letters(void **state)
{
    ops *o = *state;
    fails(tni_axes_letters, o, "", 0, "transpose: there is no '->'");
    fails(tni_axes_letters, o, "io", 2, "transpose: there is no '->'");
    fails(tni_axes_letters, o, "io->oi->io", 6, "transpose: there is a second '->'");
    fails(tni_axes_letters, o, "ioi->oi", 2, "transpose: axis 'i' stands twice on the left side");
    fails(tni_axes_letters, o, "io->oio", 6, "transpose: axis 'o' stands twice on the right side");
    fails(tni_axes_letters, o, "io->ox", 5, "transpose: axis 'x' is not on the left side");
    fails(tni_axes_letters, o, "io->o", 5, "transpose: axis 'i' is missing on the right side");
    fails(tni_axes_letters, o, "i o->oi", 1, "transpose: ' ' is not a letter that names an axis");
    fails(tni_axes_letters, o, "i2->2i", 1, "transpose: '2' is not a letter that names an axis");
    fails(tni_axes_letters, o, "io-oi", 2, "transpose: '-' is not a letter that names an axis");
    fails(tni_axes_letters, o, "\x01->", 0,
          "transpose: '\\x01' is not a letter that names an axis");
}

static void refuses_words(void **state)
{
    ops *o = *state;
    fails(tni_axes_words, o, "a b", 3, "rearrange: there is no '->'");
    fails(tni_axes_words, o, "a -> a -> a", 7, "rearrange: there is a second '->'");
    fails(tni_axes_words, o, "(a b -> a b", 5, "rearrange: a '(' has no ')' behind it");
    fails(tni_axes_words, o, "a b -> (a b", 11, "rearrange: a '(' has no ')' behind it");
    fails(tni_axes_words, o, "a b) -> a b", 3, "rearrange: a ')' has no '(' before it");
    fails(tni_axes_words, o, "(a (b)) -> a b", 3,
          "rearrange: there are parentheses within parentheses");
    fails(tni_axes_words, o, "a a -> a", 2, "rearrange: axis 'a' stands twice on the left side");
    fails(tni_axes_words, o, "ab -> ab ab", 9,
          "rearrange: axis 'ab' stands twice on the right side");
    fails(tni_axes_words, o, "a b -> a b c", 11, "rearrange: axis 'c' is not on the left side");
    fails(tni_axes_words, o, "a b -> a", 8, "rearrange: axis 'b' is missing on the right side");
    fails(tni_axes_words, o, "a 2 -> a", 2, "rearrange: only the number 1 may stand for an axis");
    fails(tni_axes_words, o, "a 1b -> a", 2, "rearrange: only the number 1 may stand for an axis");
    fails(tni_axes_words, o, "... a -> a", 0, "rearrange: '.' is not an axis");
    fails(tni_axes_words, o, "_a -> _a *", 9, "rearrange: '*' is not an axis");
    fails(tni_axes_words, o, "a - > a", 2, "rearrange: '-' is not an axis");
}

static void bounds_their_number(void **state)
{
    ops *o = *state;
    char text[4096];
    for (int n = TNI_AXES_MOST; n <= TNI_AXES_MOST + 1; n++) {
        for (int ones = 0; ones < 2; ones++) {
            size_t len = 0;
            for (int side = 0; side < 2; side++) {
                for (int i = 0; i < n; i++) {
                    len += (size_t)(ones ? snprintf(text + len, sizeof text - len, "1 ")
                                         : snprintf(text + len, sizeof text - len, "a%d ", i));
                }
                len += (size_t)snprintf(text + len, sizeof text - len, side == 0 ? "->" : "");
            }
            assert_true(len < sizeof text);
            tni_axes axes;
            size_t at = 0;
            tn_status status = tni_axes_words(&o->arena, tn_str_of(text), &axes, &at, NULL);
            assert_int_equal(status, n == TNI_AXES_MOST ? TN_OK : TN_RULE_FILE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPS_TEST(reads_letters), OPS_TEST(reads_words),         OPS_TEST(refuses_letters),
        OPS_TEST(refuses_words), OPS_TEST(bounds_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
