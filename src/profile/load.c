/* Profiles out of files and out of memory. */
#include "ledger/inputs.h"
#include "profile/build.h"

static int load_inputs(struct profile_build *build, struct barrow_inputs *inputs,
                       struct barrow_error *err)
{
    struct barrow_error failure = {0};
    for (size_t i = 0; i < inputs->warnings.count; i++)
        barrow_notes_add(&build->warnings, "%s", inputs->warnings.items[i]);
    for (size_t i = 0; i < inputs->list.count; i++) {
        struct barrow_ledger *ledger;
        if (barrow_input_open(&inputs->list.items[i], &ledger, &failure) < 0) {
            /* replaced or cut off since its header was read */
            barrow_notes_add(&build->warnings, "%s", failure.text);
            continue;
        }
        if (!profile_build_add(build, ledger))
            return profile_no_memory(err);
    }
    if (build->internal->members.count == 0)
        return barrow_fail(err, failure.code, "%s", failure.text);
    return profile_build_finish(build, err);
}

/* What was found, or why nothing was. */
static int load(struct barrow_profile **out, struct barrow_inputs *inputs, int found,
                struct barrow_error *err)
{
    struct profile_build build;
    int result = found;
    if (result == 0) {
        result = profile_build_begin(&build, err);
        if (result == 0)
            result = load_inputs(&build, inputs, err);
        profile_build_end(&build, out, result);
    }
    barrow_inputs_free(inputs);
    return result;
}

int barrow_profile_load(struct barrow_profile **out, const char *const *paths, size_t count,
                        struct barrow_error *err)
{
    struct barrow_inputs inputs = {0};
    *out = NULL;
    return load(out, &inputs, barrow_inputs_find(&inputs, paths, count, err), err);
}

int barrow_profile_load_bytes(struct barrow_profile **out, const void *bytes, size_t count,
                              const char *name, struct barrow_error *err)
{
    struct barrow_inputs inputs = {0};
    *out = NULL;
    return load(out, &inputs, barrow_inputs_of_bytes(&inputs, bytes, count, name, err), err);
}
