/* The sanity exchange: whether a SUT works at all. It gets a data PDU, and where it can send it is
 * asked to. Any PDU of its own will do: what is wrong with it is for the cases to say.
 *
 * Before the first case it spares its user a report of five hundred failures; after a crash and
 * after the last case it tells a SUT that the suite has broken for good. */
#include "cli.h"

#include <string.h>

static const char sanity_receives[] =
    "sx 1\nid sanity\nrules ACK-1\nrole receiver\n\ntest\n"
    "-> data 0:0 {first_in_window_group last_in_window last_in_window_group skip} \"sanity\"\n"
    "maybe <- data_ack *:* {*} within 5T\n"
    "quiet 0.001T\n";
static const char sanity_sends[] = "sx 1\nid sanity\nrules SND-6\nrole sender\n\ntest\n"
                                   "do open\n"
                                   "do send \"sanity\" as m\n"
                                   "maybe <- data *:* {*} * within 5T\n"
                                   "quiet 0.001T\n";

/* One exchange. `sane`: a PDU came, and the SUT has outlived it. */
static enum conform_sut_status sanity_try(struct conform_sut *sut, const char *text,
                                          const struct conform_run_options *options, bool *sane,
                                          struct conform_error *error)
{
    struct sx_script *script = sx_parse("sanity.sx", text, strlen(text), stderr, NULL);
    struct conform_record record;
    SIPC_ASSERT(script != NULL);
    const enum conform_sut_status status =
        conform_run_case(sut, script, 0, options, &record, error);
    const bool died = record.verdict == CONFORM_CRASH || record.verdict == CONFORM_HANG;
    *sane = false;
    for (size_t i = 0; i < record.trace_count; i++)
        *sane |= record.trace[i].direction == '<';
    *sane &= !died && status == CONFORM_SUT_OK;
    if (died && status == CONFORM_SUT_OK)
        conform_error_set(error, "it got a data PDU, or was asked to send, and %s%s%s",
                          record.reason == NULL ? "died" : record.reason,
                          record.sut_stderr == NULL ? "" : "; it wrote: ",
                          record.sut_stderr == NULL ? "" : record.sut_stderr);
    conform_record_clear(&record);
    sx_script_free(script);
    return status;
}

enum conform_sut_status cli_sanity(struct conform_sut *sut,
                                   const struct conform_run_options *options, const char *when,
                                   struct conform_error *error)
{
    struct conform_run_options own = *options;
    struct conform_error why = {"it neither answered a data PDU nor sent one when it was asked to"};
    enum conform_sut_status status;
    bool sane;
    own.no_judge = true;
    own.link = NULL;
    own.on_pdu = NULL;
    status = sanity_try(sut, sanity_receives, &own, &sane, &why);
    if (!sane && status == CONFORM_SUT_OK && conform_sut_has(sut, "send"))
        status = sanity_try(sut, sanity_sends, &own, &sane, &why);
    else if (!sane && status == CONFORM_SUT_OK && !conform_sut_has_control(sut))
        conform_error_set(&why, "nothing came of a data PDU sent to it");
    if (sane)
        return CONFORM_SUT_OK;
    conform_error_set(error,
                      "%s the SUT does not work: %.300s. (sipc conform check-adapter looks at an"
                      " adapter alone; --no-sanity runs the cases all the same)",
                      when, why.text);
    return status == CONFORM_SUT_OK ? CONFORM_SUT_NO_START : status;
}
