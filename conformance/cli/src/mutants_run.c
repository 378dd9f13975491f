/* One mutant against the suite, until it is clear what becomes of it. */
#include "mutants.h"

#include <string.h>

/* A mutant of an advisory rule is noticed by what does not fail a run. */
static bool mutant_is_noticed(const struct mutant *m, enum conform_verdict verdict)
{
    const bool advisory =
        m->rule != SIPC_RULE_NONE && sipc_rule_info(m->rule)->level == SIPC_ADVISORY;
    return verdict == CONFORM_FAIL || verdict == CONFORM_CRASH || verdict == CONFORM_HANG ||
           verdict == CONFORM_ERROR || (advisory && verdict == CONFORM_ADVISORY);
}

static bool mutant_is_blamed(const struct mutant *m, const struct conform_record *record)
{
    if (record->verdict != m->verdict)
        return false;
    for (size_t i = 0; record->verdict == CONFORM_ADVISORY && i < record->advisory_count; i++)
        if (record->advisories[i] == m->rule)
            return true;
    return record->rule == m->rule;
}

/* Keeps what says most: the outcomes of a mutant that is to be killed stand in that order. */
static void mutant_see(struct mutant *m, enum mutant_outcome outcome, const struct cli_case *entry,
                       const struct conform_record *record)
{
    if (outcome >= m->outcome)
        return;
    m->outcome = outcome;
    m->seen = entry;
    m->seen_verdict = record->verdict;
    m->seen_rule = record->rule;
    free(m->reason);
    m->reason = record->reason == NULL ? NULL : strdup(record->reason);
}

static void mutant_take(struct mutant *m, const struct cli_case *entry,
                        const struct conform_record *record, size_t *killed)
{
    const bool own = mutant_is_own_case(m, entry);
    m->run++;
    if (own && mutant_is_blamed(m, record)) { /* also inconclusive, where that is declared */
        mutant_see(m, MUTANT_OWN, entry, record);
    } else if (mutant_is_noticed(m, record->verdict)) {
        mutant_see(m, own ? MUTANT_BLAME : MUTANT_OTHER, entry, record);
    } else {
        return;
    }
    m->red++;
    (*killed)++;
}

enum mutant_turn { TURN_OWN, TURN_RULE, TURN_REST, TURN_COUNT };

static enum mutant_turn mutant_turn(const struct mutant *m, const struct cli_case *entry)
{
    if (mutant_is_own_case(m, entry))
        return TURN_OWN;
    return m->rule != SIPC_RULE_NONE && cli_case_is_about(entry, m->rule) ? TURN_RULE : TURN_REST;
}

/* false: the SUT is gone for good. */
static bool mutant_run_case(struct mutant *m, struct conform_sut *sut, const struct cli_case *entry,
                            const struct conform_run_options *options, size_t *killed)
{
    struct conform_record record;
    struct conform_error error;
    const enum conform_sut_status status =
        conform_run_case(sut, entry->script, entry->index, options, &record, &error);
    mutant_take(m, entry, &record, killed);
    conform_record_clear(&record);
    return status == CONFORM_SUT_OK;
}

static void mutant_run_cases(struct mutant *m, struct conform_sut *sut,
                             const struct cli_suite *suite,
                             const struct conform_run_options *options, bool full, size_t *killed)
{
    for (int turn = 0; turn < TURN_COUNT; turn++) {
        for (size_t i = 0; i < suite->case_count; i++) {
            const struct cli_case *entry = &suite->cases[i];
            if ((int)mutant_turn(m, entry) != turn)
                continue;
            if (!mutant_run_case(m, sut, entry, options, &killed[i]))
                return;
            if (!full && m->outcome == MUTANT_OWN)
                return;
        }
        if (!full && m->outcome < MUTANT_NOTHING) /* the turns behind cannot say more */
            return;
    }
}

void mutant_run(struct mutant *m, const struct cli_suite *suite,
                const struct conform_run_options *options, bool full, size_t *killed)
{
    /* Many start at once, some with an interpreter: none of them is there to be slow. */
    const struct conform_sut_options attach = {.response_limit_ms = 20000};
    struct conform_sut *sut = NULL;
    struct conform_error error;
    const enum conform_sut_status status = conform_sut_attach(m->spec, &attach, &sut, &error);
    if (status != CONFORM_SUT_OK) {
        const bool declared = m->rule == SIPC_RULE_NONE && status != CONFORM_SUT_OK;
        m->outcome = declared ? MUTANT_OWN : MUTANT_NOT_BUILT;
        m->reason = strdup(error.text);
        return;
    }
    m->outcome = MUTANT_NOTHING;
    mutant_run_cases(m, sut, suite, options, full, killed);
    if (m->killer == NULL && m->outcome == MUTANT_NOTHING && m->equivalent != NULL)
        m->outcome = MUTANT_EQUIVALENT;
    else if (m->killer == NULL && m->outcome == MUTANT_OTHER)
        m->outcome = MUTANT_NOTICED;
    conform_sut_detach(sut);
}
