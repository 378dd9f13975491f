/* Expansion: a script with parameters is as many cases as their values multiplied; the last
 * parameter changes fastest. A case is named after its values. SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

const struct sx_param_value *sx_case_value(const struct sx_script *script, size_t index,
                                           size_t param)
{
    for (size_t i = script->param_count - 1; i > param; i--) {
        index /= script->params[i].count;
    }
    return &script->params[param].values[index % script->params[param].count];
}

void sx_case_name(const struct sx_script *script, size_t index, char *out, size_t size)
{
    FILE *name = fmemopen(out, size, "w");
    if (name == NULL) { /* size 0 */
        return;
    }
    fputs(script->id, name);
    for (size_t i = 0; i < script->param_count; i++) {
        const struct sx_param_value *value = sx_case_value(script, index, i);
        fprintf(name, "%c%s=", i == 0 ? '[' : ',', script->params[i].name);
        if (value->text) {
            sx__print_text(value->bytes, name);
        } else {
            fprintf(name, "%" PRId64, value->number);
        }
    }
    fputs(script->param_count > 0 ? "]" : "", name);
    fclose(name);
    out[size - 1] = '\0';
}
