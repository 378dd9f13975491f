/* The bytes of a PDU of a script as it leaves: built by the language (sx_build_pdu), or those of a
 * label again. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "runner.h"

bool run_build_option(struct runner *r, const struct sx_option *option, struct sipc_span *name,
                      uint8_t **value, size_t *size)
{
    char error[320];
    return sx_build_option(option, &r->env.sx, name, value, size, error, sizeof error) ||
           run_stop(r, CONFORM_ERROR, "%s", error);
}

static bool build_label(struct runner *r, const char *name, uint8_t **out, size_t *size)
{
    const struct run_label *label = run_env_label(&r->env, name);
    if (label == NULL) {
        return run_stop(r, CONFORM_ERROR, "no PDU was seen or sent as #%s", name);
    }
    *out = malloc(label->pdu.size + 1);
    SIPC_ASSERT(*out != NULL);
    memcpy(*out, label->bytes, label->pdu.size);
    *size = label->pdu.size;
    return true;
}

bool run_build_pdu(struct runner *r, const struct sx_pdu *pdu, uint8_t **out, size_t *size)
{
    char error[320];

    if (pdu->kind == SX_PDU_LABEL) {
        return build_label(r, pdu->ref, out, size);
    }
    bool named = pdu->kind == SX_PDU_FIELDS && pdu->session_id == NULL;
    const uint8_t *session_id = named ? run_env_session(&r->env, pdu->session) : NULL;
    return sx_build_pdu(pdu, &r->env.sx, session_id, out, size, error, sizeof error) ||
           run_stop(r, CONFORM_ERROR, "%s", error);
}

const char *run_pdu_peer(struct runner *r, const struct sx_pdu *pdu)
{
    if (pdu->peer != NULL) {
        return pdu->peer;
    }
    const struct run_label *label =
        pdu->kind == SX_PDU_LABEL ? run_env_label(&r->env, pdu->ref) : NULL;
    return label != NULL ? label->peer : "P";
}
