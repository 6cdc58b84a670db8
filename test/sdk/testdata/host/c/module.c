/* Asks the engine for what was not sent. */
#include "gowanus.h"

static const gw_value *probe(const gw_call *c) {
    gw_fault fault = GW_INTERNAL;
    gw_value *result = gw_object();
    gw_set(result, "sensor", gw_host_sensor("x2", gw_get_string(c->args, "sensor"), NULL));
    gw_set(result, "file", gw_get(gw_host_file("big.txt", &fault), "text"));
    if (!gw_host_config("x2", "k", &fault)) gw_set(result, "fault", gw_number(fault));
    gw_log(GW_WARNING, "asked %d times, %g", 3, 0.5);
    return gw_set(gw_object(), "result", result);
}

static const gw_type types[] = {{.name = "probe", .kind = "step", .plan = probe}, {0}};
const gw_module gowanus_module = {.name = "probe", .version = "1.0.0", .types = types};
