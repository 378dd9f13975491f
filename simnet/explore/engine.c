/* The table of an engine's calls, by which the explorer knows it. Compiled into the explorer it is
 * the shipping engine's; compiled into a shared object with another build of the engine, that one's
 * (cmake/SipcVariant.cmake). */
#include "simnet/explore.h"

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const struct simnet_explore_engine simnet_explore_engine = {
    .version = SIMNET_EXPLORE_ENGINE_VERSION,
    .config_check = sipc_config_check,
    .size = sipc_endpoint_size,
    .init = sipc_endpoint_init,
    .snapshot_size = sipc_endpoint_snapshot_size,
    .receive = sipc_endpoint_receive,
    .sent = sipc_endpoint_sent,
    .advance = sipc_endpoint_advance,
    .deadline = sipc_endpoint_deadline,
    .next_action = sipc_endpoint_next_action,
    .check = sipc_endpoint_check,
    .rebase = sipc_endpoint_rebase,
    .open = sipc_session_open,
    .find = sipc_session_find,
    .preset = sipc_session_preset,
    .send = sipc_session_send,
    .send_unreliable = sipc_session_send_unreliable,
    .close = sipc_session_close,
    .dispose = sipc_session_dispose,
    .shutdown = sipc_endpoint_shutdown,
    .attribute_next = sipc_attribute_next,
};
