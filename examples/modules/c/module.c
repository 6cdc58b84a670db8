/* The example module in C. */
#include "gowanus.h"

/* ---- org.example.Cooldown ---- */

/* restart decides for another restart, and for quiet after it. */
static const gw_value *restart(const gw_call *c) {
    gw_value *decision = gw_object(), *state = gw_object();
    gw_input(gw_step(decision, "invoke-effector"), "effector", gw_text("restart"));
    gw_set(state, "cooling", gw_bool(true));
    gw_set(state, "restarts", gw_number(gw_get_double(c->state, "restarts") + 1));
    gw_set(decision, "state", state);
    return gw_set(decision, "wakeAfter", gw_get(c->config, "window"));
}

static const gw_value *cool(const gw_call *c) {
    if (gw_kind_of(c->state) != GW_NULL && gw_kind_of(c->state) != GW_OBJECT) return gw_fail(GW_INVALID, "state", "the state is not ours");
    if (!c->timer) {
        bool recovered = gw_kind_of(gw_get(c->event, "value")) == GW_NULL;
        return recovered || gw_get_truth(c->state, "cooling") ? NULL : restart(c);
    }
    const gw_value *failed = gw_get(gw_get(c->entity, "sensors"), gw_get_string(c->config, "sensor"));
    if (gw_kind_of(failed) != GW_NULL) return restart(c);
    gw_value *state = gw_set(gw_object(), "cooling", gw_bool(false));
    gw_set(state, "restarts", gw_number(gw_get_double(c->state, "restarts")));
    return gw_set(gw_object(), "state", state);
}

/* ---- org.example.Coolest ---- */

/* percent gives a share in whole percents. */
static double percent(double share) { return __builtin_floor(share * 100 + 0.5); }

/* or_else gives a host's number, or another one when it has none. */
static double or_else(const double *column, uint32_t i, double other) { return column && column[i] == column[i] ? column[i] : other; }

static void rank(const gw_hosts *in, gw_ranking *out) {
    double limit = gw_get_double(in->call->config, "maxCpu");
    if (limit < 0 || limit > 1) {
        gw_fail_ranking(out, gw_fail(GW_INVALID, "config.maxCpu", "maxCpu: expected a share from 0 to 1, got %g", limit));
        return;
    }
    gw_bits up = gw_bitmap(in, "up");
    const double *used = gw_doubles(in, "cpu.used"), *containers = gw_doubles(in, "containers");
    for (uint32_t i = 0; i < in->count; i++) {
        double share = or_else(used, i, limit);
        if (up.count && !gw_bit(up, i)) gw_refuse(out, i, "is down");
        else if (share > limit) gw_refuse(out, i, gw_format("uses %g %% of its processors, at most %g %% are allowed", percent(share), percent(limit)));
        else gw_score(out, i, -(percent(share) * 1e6 + or_else(containers, i, 0)));
    }
}

/* ---- The module ---- */

static const gw_type types[] = {
    {.name = "org.example.Cooldown", .kind = "policy", .description = "restarts a failed entity at most once per window",
     .config = (const gw_config_key[]){
         {.name = "sensor", .type = "string", .fallback = "\"ha.entityFailed\"", .description = "tells of failures; cleared when the entity recovers"},
         {.name = "window", .type = "duration", .fallback = "\"5m\"", .description = "how long no other restart follows"}, {0}},
     .events = (const gw_event[]){{.sensor_from = "sensor"}, {0}}, .policy_event = cool},
    {.name = "org.example.Coolest", .kind = "strategy", .description = "prefers the host that uses least of its processors",
     .config = (const gw_config_key[]){
         {.name = "maxCpu", .type = "double", .fallback = "0.8", .description = "the share of its processors that a host may use"}, {0}},
     .columns = GW_NAMES("up", "cpu.used", "containers"), .rank = rank},
    {0},
};

const gw_module gowanus_module = {
    .name = "example", .version = "1.0.0", .types = types,
    .capabilities = (const gw_capability[]){{"step", "invoke-effector", "to restart what failed"}, {0}},
};
