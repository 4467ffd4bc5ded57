/* Inverses: their texts, that they lead back on actual names, and what cannot be inverted and why;
 * sums solved against all values there are. */
#include "converters/conv_rules.h"
#include "converters/rules/inverse.h"
#include "converters/rules/linear.h"

#define HEAD "tenon: 1\nrules:\n"

static tn_model *model_of(conv *c, const char *names)
{
    static char text[2048];
    rules_tensor tensors[64] = {{NULL, NULL, TN_DTYPE_NONE}};
    size_t count = 0;
    snprintf(text, sizeof text, "%s", names);
    for (char *save, *one = strtok_r(text, " ", &save); one != NULL;
         one = strtok_r(NULL, " ", &save)) {
        tensors[count++].name = one;
    }
    return rules_model(c, tensors);
}

/* Writes an inverse as a rule file. */
static void spell(const tni_inverse *inverse, char *out, size_t room)
{
    size_t used = (size_t)snprintf(out, room, "tenon: 1\n");
    for (size_t i = 0; i < inverse->n_tables; i++) {
        const tni_table *table = &inverse->tables[i];
        used += (size_t)snprintf(out + used, room - used, "%s%.*s: {", i == 0 ? "tables: {" : ", ",
                                 (int)table->name.len, table->name.data);
        for (size_t k = 0; k < table->count; k++) {
            const tni_table_entry *entry = &table->entries[k];
            used += (size_t)snprintf(out + used, room - used, "%s'%.*s': '%.*s'",
                                     k == 0 ? "" : ", ", (int)entry->word.len, entry->word.data,
                                     (int)entry->text.len, entry->text.data);
        }
        used += (size_t)snprintf(out + used, room - used, "}");
    }
    snprintf(out + used, room - used, "%srules:\n- {match: '%s', to: '%s'}",
             inverse->n_tables > 0 ? "}\n" : "", inverse->match[0].data, inverse->to[0].data);
}

typedef struct row {
    const char *rules, *names, *match, *to;
} row;

static const row rows[] = {
    {HEAD "- {match: 'my_model/{x:**}', to: '{x}'}", "my_model/W my_model/a/b", "{x:**}",
     "my_model/{x}"},
    {HEAD "- {match: '{x:**}/kernel', to: '{x}.weight'}", "a/b/kernel c/kernel", "{x:**}.weight",
     "{x}/kernel"},
    {HEAD "- {match: W, to: linear.weight}", "W", "linear.weight", "W"},
    {HEAD "- {match: 'odd{{a}}', to: 'b{{}}'}", "odd{a}", "b{{}}", "odd{{a}}"},
    {HEAD "- {match: 'h{i:int}/{p}', to: 'h.{i}.{p}'}", "h0/w h10/b", "h.{i:int}.{p}", "h{i}/{p}"},
    {HEAD "- {match: 'b_{b:int03}/x', to: 'b.{b}.x'}", "b_000/x b_012/x", "b.{b:int}.x",
     "b_{b:int03}/x"},
    {HEAD "- {match: 'b{b:int}/x', to: 'b_{b:int03}/x'}", "b0/x b12/x", "b_{b:int03}/x", "b{b}/x"},
    {HEAD "- {match: '{s:enc|dec}/{x:**}', to: '{x}.{s}'}", "enc/a/b dec/c", "{x:**}.{s:enc|dec}",
     "{s}/{x}"},
    {HEAD "- {match: 'block{i:int}/w', to: 'layers.{i-1}.w'}", "block1/w block12/w",
     "layers.{i:int}.w", "block{i+1}/w"},
    {HEAD "- {match: 'a{i:int02}', to: 'b{3+i:int04}'}", "a00 a41", "b{i:int04}", "a{i-3:int02}"},
    {HEAD "- {match: 's{a:int}/u{b:int}/w', to: 'layers.{a*4+b}.w', expect: {b: 0..3}}",
     "s0/u0/w s0/u1/w s0/u2/w s7/u3/w", "layers.{n1:int}.w", "s{n1//4}/u{n1%4}/w"},
    {HEAD "- {match: 'a{i:0|1|2}/{j:int}', to: '{20-i+3*j}'}", "a0/0 a1/5 a2/9", "{n0:int}",
     "a{2-(n0-18)%3}/{(n0-18)//3}"},
    {HEAD "- {match: 'a{i:int}', to: 'b{3*i+2}'}", "a0 a7", "b{i:int}", "a{(i-2)//3}"},
    {HEAD "- {match: 'a{i:int}', to: 'b{100-i}'}", "a0 a77", "b{i:int}", "a{0-(i-100)}"},
    {HEAD "- {match: '{i:int}/{j:int}', to: '{i}.{i*10+j}', expect: {j: 0..9}}",
     "0/0 0/1 0/2 0/3 "
     "0/4 0/5 0/6 0/7 0/8 3/9",
     "{i:int}.{n2:int}", "{i}/{n2%10}"},
    {HEAD "- {match: '{i:int}', to: '{i-1}.{i+1}'}", "1 5", "{i:int}.{n2:int}", "{i+1}"},
    {HEAD "- {match: 'fc.{i:int}.w', to: 'fc.{rank(i)}.w', expect: {i: [4, 0, 2]}}",
     "fc.0.w fc.2.w fc.4.w", "fc.{i:int}.w", "fc.{i|i_back7}.w"},
    {HEAD "- {match: 'fc{i:int03}', to: 'fc{rank(i)+1}', expect: {i: [4, 20]}}", "fc004 fc020",
     "fc{i:int}", "fc{i|i_back7}"},
    {"tenon: 1\ntables: {t: {kernel: weight, beta: bias, gamma: weight}}\nrules:\n"
     "- {match: 'bn{i:int}/{p:kernel|beta}', to: 'bn{i}.{p|t}'}",
     "bn0/kernel bn1/beta", "bn{i:int}.{p:weight|bias}", "bn{i}/{p|p_back7}"},
    {"tenon: 1\ntables: {t: {k: w, b: v}}\nrules:\n- {match: 'a/{p}', to: '{p|t}.a'}", "a/k a/b",
     "{p:v|w}.a", "a/{p|p_back7}"},
    {HEAD "- {match: 're:a(.)', to: 'b{1}', back: 'b{x} => a{x}'}", "ax", "b{x}", "a{x}"},
};

static void lead_back(void **state)
{
    conv *c = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tn_model *model = model_of(c, rows[i].names);
        rules_run run, back;
        tni_inverse inverse;
        tni_inverse_facts facts = {.seen = NULL};
        tn_error err = {0};
        char text[1024];
        conv_ok(rules_start(c, model, rows[i].rules, &run, &err), &err);
        conv_ok(
            tni_rule_invert(&run.arena, &run.naming.sets.at[0].rules[0], &facts, 7, &inverse, &err),
            &err);
        if (!tn_str_equal(inverse.match[0], tn_str_of(rows[i].match)) ||
            !tn_str_equal(inverse.to[0], tn_str_of(rows[i].to))) {
            fail_msg("%s: %s => %s", rows[i].rules, inverse.match[0].data, inverse.to[0].data);
        }
        spell(&inverse, text, sizeof text);
        if (rules_start(c, run.naming.model, text, &back, &err) != TN_OK) {
            fail_msg("%s: %s (%s)", text, err.message, err.subject);
        }
        for (size_t k = 0; k < model->count; k++) {
            tn_str name = back.naming.model->tensors[k].alias[TN_SCHEME_NAME];
            uint32_t was = run.naming.source[back.naming.source[k]];
            if (!tn_str_equal(name, model->tensors[was].alias[TN_SCHEME_NAME])) {
                fail_msg("%s: %.*s", text, (int)name.len, name.data);
            }
        }
        rules_end(&back);
        rules_end(&run);
        tn_model_free(model);
    }
}

static void says_what_has_no_inverse(void **state)
{
    conv *c = *state;
    static const struct {
        const char *rules, *part;
    } bad[] = {
        {HEAD "- {match: 'a/{x}/{y}', to: 'b/{x}'}", "do not hold {y}"},
        {HEAD "- {match: 'a/{x}', do: drop}", "renames nothing"},
        {HEAD "- {match: 'a/*', to: 'b'}", "a glob has no inverse"},
        {HEAD "- {match: 're:a(.)', to: 'b{1}'}", "a regular expression has no inverse"},
        {HEAD "- {match: 'a{i:int}/{j:int}', to: 'b{i*4+j}'}",
         "{i*4+j} cannot be undone: a hole is not bounded"},
        {HEAD "- {match: 'a{i:int}/{j:int}', to: 'b{i*4+j}', expect: {j: 0..4}}",
         "several values of its holes give one number"},
        {HEAD "- {match: 'a{i:0|1}/{j:0|1}', to: 'b{i+j}'}", "several values"},
        {HEAD "- {match: 'a{i:int}', to: 'b{i//2}'}", "forget a part"},
        {HEAD "- {match: 'a{i:int}', to: 'b{i%2}'}", "forget a part"},
        {HEAD "- {match: 'a{i:int}', to: 'b{i*i}'}", "it multiplies holes"},
        {HEAD "- {match: 'a{i:int}', to: 'b{i*0}'}", "do not hold {i}"},
        {HEAD "- {match: 'a{i:int}', to: 'b{i+dim(\"t\", 0)}'}", "dim() needs the model"},
        {HEAD "- {match: 'a{i:int}', to: 'b{rank(i)}'}", "its numbers are not known"},
        {HEAD "- {match: 'a{i:int}', to: 'b{2*rank(i)}', expect: {i: [1, 2]}}", "not alone in it"},
        {HEAD "- {match: 'a{i:int}', to: 'b{i-9223372036854775807-1}'}", "exceeds 64 bits"},
        {HEAD "- {match: 'a{i:00|1}', to: 'b{i+1}'}", "'00' is not how its number is written"},
        {HEAD "- {match: 'a/{x}', to: 'b*{x}'}", "cannot spell the star"},
        {HEAD "- {match: '{s:a.b|c}/{x}', to: '{s}.{x}'}", "no choice can spell the word 'a.b'"},
        {"tenon: 1\ntables: {t: {k: w, b: v, g: w}}\nrules:\n- {match: 'a/{p}', to: '{p|t}.a'}",
         "has one text for 'g' and 'k'"},
        {"tenon: 1\ntables: {t: {k: w, b: v, g: w}}\nrules:\n"
         "- {match: 'a/{p:g|k}', to: '{p|t}.a'}",
         "has one text for 'g' and 'k'"},
        {"tenon: 1\ntables: {t: {k: w.x, b: v}}\nrules:\n- {match: 'a/{p}', to: '{p|t}.a'}",
         "no choice can spell the word 'w.x'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *path = conv_at(c, "r.yaml");
        tni_rule_options options = {.rules = &path, .n_rules = 1};
        tni_arena arena;
        tni_rulesets sets;
        tni_inverse inverse;
        tni_inverse_facts facts = {.seen = NULL};
        tn_error err = {0};
        conv_store(path, bad[i].rules, strlen(bad[i].rules));
        tni_arena_init(&arena, c->ctx, 1 << 28);
        conv_ok(tni_rules_load(&arena, &options, &sets, &err), &err);
        tn_status status = tni_rule_invert(&arena, &sets.at[0].rules[0], &facts, 1, &inverse, &err);
        if (status != TN_RULE_FILE || strstr(err.message, bad[i].part) == NULL) {
            fail_msg("%s: %s", bad[i].rules, err.message);
        }
        tni_arena_clear(&arena);
    }
}

/* Random sums of up to three bounded holes: accepted ones are solved for each number that they
 * give, and no other is. Of those refused many do give a number twice; the others have no digits.
 */
static void solves_what_it_accepts(void **state)
{
    conv *c = *state;
    uint64_t random = 77;
    size_t accepted = 0, refused_rightly = 0, refused = 0;
    for (int round = 0; round < 3000; round++) {
        tni_arena arena;
        tni_step steps[16];
        tni_bound bounds[TNI_HOLES_MOST] = {{false, 0, 0}};
        int64_t factor[3], range[3], constant = (int64_t)conv_random(&random, 40) - 20;
        size_t n = 0, holes = 1 + conv_random(&random, 3);
        steps[n++] = (tni_step){.kind = TNI_STEP_NUMBER, .number = constant};
        for (uint32_t k = 0; k < 3; k++) {
            factor[k] = k < holes ? (int64_t)conv_random(&random, 41) - 20 : 0;
            range[k] = k < holes ? (int64_t)conv_random(&random, 5) : 0;
            bounds[k] = (tni_bound){true, (int64_t)conv_random(&random, 4), 0};
            bounds[k].high = bounds[k].low + range[k];
            if (k < holes) {
                steps[n++] = (tni_step){.kind = TNI_STEP_HOLE, .slot = k};
                steps[n++] = (tni_step){.kind = TNI_STEP_NUMBER, .number = factor[k]};
                steps[n++] = (tni_step){.kind = TNI_STEP_MULTIPLY};
                steps[n++] = (tni_step){.kind = TNI_STEP_ADD};
            }
        }
        tni_expression expression = {.source = TN_LIT("sum"), .steps = steps, .n_steps = n};
        tni_linear linear;
        tn_error err = {0};
        bool reached[1000] = {false}, twice = false;
        for (int64_t i = 0; i < (range[0] + 1) * (range[1] + 1) * (range[2] + 1); i++) {
            int64_t a = bounds[0].low + i % (range[0] + 1);
            int64_t b = bounds[1].low + i / (range[0] + 1) % (range[1] + 1);
            int64_t d = bounds[2].low + i / (range[0] + 1) / (range[1] + 1);
            int64_t sum = constant + factor[0] * a + factor[1] * b + factor[2] * d;
            assert_in_range(sum + 500, 0, 999);
            twice = twice || reached[sum + 500];
            reached[sum + 500] = true;
        }
        tni_arena_init(&arena, c->ctx, 1 << 24);
        if (tni_linear_of(&arena, &expression, bounds, NULL, &linear, &err) == TN_OK) {
            bool forgets = false; /* a factor of 0: the hole is no term */
            for (size_t k = 0; k < holes; k++) {
                forgets = forgets || (factor[k] == 0 && range[k] > 0);
            }
            assert_true(!twice || forgets);
            for (int64_t sum = -500; sum < 500; sum++) {
                int64_t values[3], again = constant;
                bool solved = tni_linear_solve(&linear, sum, values);
                assert_int_equal(solved, reached[sum + 500]);
                for (size_t k = 0; solved && k < linear.n_terms; k++) {
                    again += linear.terms[k].factor * values[k];
                }
                assert_true(!solved || again == sum);
            }
            accepted++;
        } else {
            refused++;
            refused_rightly += twice;
        }
        tni_arena_clear(&arena);
    }
    assert_true(accepted > 1000 && refused > refused_rightly && refused_rightly > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(lead_back),
        CONV_TEST(says_what_has_no_inverse),
        CONV_TEST(solves_what_it_accepts),
    };
    return cmocka_run_group_tests_name("converters/rules/inverse", tests, NULL, NULL);
}
