/* See rows.h.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rows.h"

static bool row_holds(const struct row *row, const struct conform_record *record,
                      enum conform_sut_status status)
{
    unsigned attempts = row->attempts != 0 ? row->attempts : 1;
    bool reason = row->reason == NULL
                      ? record->reason == NULL
                      : record->reason != NULL && strstr(record->reason, row->reason) != NULL;

    if (record->verdict != row->verdict || record->rule != row->rule || record->line != row->line ||
        !reason || record->expectations != row->expectations || status != row->status ||
        record->attempts != attempts) {
        const struct sipc_rule_info *rule = sipc_rule_info(record->rule);
        print_error("%s: got %s, rule %s, line %d, %zu expectations, status %d, %u attempts, "
                    "reason: %s\n",
                    row->name, conform_verdict_name(record->verdict),
                    rule != NULL ? rule->id : "none", record->line, record->expectations,
                    (int)status, record->attempts,
                    record->reason != NULL ? record->reason : "none");
        return false;
    }
    return true;
}

void run_rows(const struct row *rows, size_t count)
{
    bool held = true;

    for (size_t i = 0; i < count; i++) {
        struct fake_sut fake = rows[i].fake;
        struct conform_record record;
        fake.acts = rows[i].acts;
        enum conform_sut_status status = fake_run(&fake, rows[i].body, 0, NULL, &record);
        held = row_holds(&rows[i], &record, status) && held;
        conform_record_clear(&record);
        fake_clear(&fake);
    }
    fake_done();
    assert_true(held);
}
