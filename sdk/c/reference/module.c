/* The module that the vectors in sdk/vectors talk to. It has one type of each
 * kind, and each is as small as it can be; their rules stand in
 * sdk/vectors/README.md. */
#include "gowanus.h"

/* ---- org.example.Greeter ---- */

/* next gives the state with one more, or NULL when it is not ours. */
static gw_value *next(const gw_value *state) {
    const gw_value *n = gw_get(state, "n");
    if (gw_kind_of(state) != GW_OBJECT && gw_kind_of(state) != GW_NULL) return NULL;
    if (gw_kind_of(n) != GW_NUMBER && gw_kind_of(n) != GW_NULL) return NULL;
    return gw_set(gw_object(), "n", gw_number(gw_double(n) + 1));
}

static const gw_value *not_ours(void) { return gw_fail(GW_INVALID, "state", "the state is not ours"); }

/* upper knows ASCII and the letters of Latin-1 with two bytes. */
static const char *upper(const char *text, size_t length) {
    char *out = gw_copy(text, length);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)out[i], last = i ? (unsigned char)out[i - 1] : 0;
        if ((c >= 'a' && c <= 'z') || (last == 0xC3 && c >= 0xA0 && c <= 0xBE && c != 0xB7)) out[i] = (char)(c - 32);
    }
    return out;
}

static const gw_value *start(const gw_call *c) {
    if (!gw_same(c->effector, "start")) return gw_fail(GW_NOT_FOUND, "effector", "the greeter has no effector %s", gw_quote(c->effector));
    gw_value *decision = gw_object(), *state = next(c->state);
    if (!state) return not_ours();
    const char *text = gw_format("%s %s", gw_get_string(c->config, "greeting.text"), gw_get_string(c->entity, "name"));
    if (gw_get_truth(c->args, "loud")) {
        const gw_value *whole = gw_text(text);
        text = gw_format("%s!", upper(text, gw_length(whole)));
    }
    gw_publish(decision, "greeting", gw_text(text));
    gw_value *step = gw_step(decision, "obtain-host");
    gw_set(step, "id", gw_text("host"));
    gw_set(step, "timeout", gw_text("5m"));
    gw_continue(decision, "placed");
    return gw_set(decision, "state", state);
}

static const gw_value *placed(const gw_call *c) {
    gw_value *state = next(c->state);
    if (!state) return not_ours();
    const char *host = gw_get_string(gw_output(c, "host"), "host");
    return gw_set(gw_set(gw_object(), "state", state), "result", gw_text(gw_format("at %s", host)));
}

/* ---- org.example.Restarter ---- */

static const gw_value *restart(const gw_call *c) {
    gw_value *decision = gw_object();
    if (c->timer) return gw_set(decision, "state", gw_set(gw_object(), "n", gw_number(0)));
    if (gw_get_truth(c->event, "value")) return decision;
    gw_value *state = next(c->state);
    if (!state) return not_ours();
    gw_value *step = gw_step(decision, "invoke-effector");
    gw_input(step, "effector", gw_text("restart"));
    gw_input(step, "entity", gw_entity(gw_get_string(gw_get(c->event, "source"), "id")));
    gw_set(decision, "state", state);
    const gw_value *window = gw_get(c->config, "window");
    return gw_length(window) ? gw_set(decision, "wakeAfter", window) : decision;
}

/* migrate counts from the failures that version 0.x kept. */
static const gw_value *migrate(const gw_call *c) {
    const char *from = gw_get_string(c->document, "from");
    if (!gw_begins(from, "0.")) return c->state;
    const gw_value *failures = gw_get(c->state, "failures");
    if (gw_kind_of(failures) != GW_NUMBER) return gw_fail(GW_INVALID, "state", "the state is not one of version %s", from);
    return gw_set(gw_object(), "n", failures);
}

/* ---- org.example.Emptiest ---- */

static void rank(const gw_hosts *in, gw_ranking *out) {
    const double *containers = gw_doubles(in, "containers");
    gw_bits up = gw_bitmap(in, "up");
    gw_texts rack = gw_strings(in, "label:rack");
    const char *avoid = gw_get_string(in->call->config, "avoid");
    for (const char *at = avoid; *at; at++)
        if (*at == ' ') gw_fail_ranking(out, gw_fail(GW_INVALID, "config.avoid", "avoid: a rack has no blank in its name"));
    for (uint32_t i = 0; i < in->count; i++) {
        if (up.count && !gw_bit(up, i)) gw_refuse(out, i, "is down");
        else if (*avoid && gw_span_is(gw_text_at(rack, i), avoid)) gw_refuse(out, i, gw_format("stands in rack %s", avoid));
        else if (containers) gw_score(out, i, -containers[i]);
    }
}

/* ---- org.example.Pair ---- */

static const gw_value *child(const gw_value *item, const char *plan, const char *side) {
    return gw_set(gw_set(gw_object(), "type", item), "id", gw_text(gw_format("%s-%s", plan, side)));
}

static const gw_value *pair(const gw_call *c) {
    const gw_value *item = gw_get(c->config, "item");
    const char *plan = gw_get_string(c->entity, "planId");
    if (!gw_length(item)) return gw_fail(GW_INVALID, "config.item", "item is needed");
    gw_value *policy = gw_set(gw_object(), "type", gw_text("org.example.Restarter"));
    gw_set(policy, "brooklyn.config", gw_set(gw_object(), "window", gw_text("1m")));
    gw_value *init = gw_object();
    gw_set(init, "sensors", gw_set(gw_object(), "pair.size", gw_number(2)));
    gw_set(init, "children", gw_add(gw_add(gw_list(), child(item, plan, "left")), child(item, plan, "right")));
    return gw_set(init, "policies", gw_add(gw_list(), policy));
}

/* ---- org.example.Counter ---- */

static const gw_value *count(const gw_call *c) {
    double total = 0;
    for (const gw_item *i = gw_items(c->related); i; i = i->next) total += gw_get_double(gw_get(i->value, "sensors"), "load");
    gw_value *decision = gw_object(), *state = next(c->state);
    if (!state) return not_ours();
    gw_publish(decision, "load.total", gw_number(total));
    return gw_set(decision, "state", state);
}

/* ---- org.example.Shout, Wire, Cloud ---- */

static void log_step(gw_value *decision, const char *message) { gw_input(gw_step(decision, "log"), "message", gw_text(message)); }

static const gw_value *shout(const gw_call *c) {
    const gw_value *said = gw_get(c->args, "text");
    const char *text = upper(gw_string(said), gw_length(said));
    gw_value *decision = gw_object();
    log_step(decision, text);
    return gw_set(decision, "result", gw_text(text));
}

static const gw_value *wire(const gw_call *c) {
    gw_value *decision = gw_object();
    const char *cidr = gw_get_string(gw_get(c->document, "network"), "cidr");
    if (!gw_same(c->op, "create")) return decision;
    for (const gw_item *i = gw_items(gw_get(c->document, "hosts")); i; i = i->next)
        log_step(decision, gw_format("%s at %s", cidr, gw_get_string(i->value, "address")));
    return decision;
}

static const gw_value *cloud(const gw_call *c) {
    gw_value *decision = gw_object();
    if (gw_same(c->op, "obtain")) {
        gw_value *machine = gw_set(gw_object(), "id", gw_text(gw_format("%s-1", gw_get_string(c->document, "name"))));
        gw_set(machine, "address", gw_text(gw_get_string(c->config, "address")));
        return gw_set(decision, "result", machine);
    }
    if (!gw_same(c->op, "release")) return gw_fail(GW_NOT_FOUND, "op", "the cloud cannot %s", c->op);
    log_step(decision, gw_format("gone: %s", gw_get_string(gw_get(c->document, "machine"), "id")));
    return decision;
}

/* ---- org.example.Lines ---- */

static const gw_value *bad_line(int line, size_t column, const char *text) {
    gw_value *error = gw_set(gw_set(gw_object(), "line", gw_number(line)), "column", gw_number((double)column));
    gw_set(error, "message", gw_text(gw_format("expected a name and a type, got %s", gw_quote(text))));
    return gw_set(gw_object(), "errors", gw_add(gw_list(), error));
}

static const gw_value *parse(const gw_call *c) {
    const char *at = gw_get_string(c->document, "text"), *end = at + gw_length(gw_get(c->document, "text"));
    gw_value *services = gw_list();
    int line = 0;
    do {
        const char *stop = at, *space = NULL;
        for (; stop < end && *stop != '\n'; stop++)
            if (*stop == ' ' && !space) space = stop;
        line++;
        if (!space) return bad_line(line, (size_t)(stop - at) + 1, gw_copy(at, (size_t)(stop - at)));
        gw_value *service = gw_set(gw_object(), "name", gw_text(gw_copy(at, (size_t)(space - at))));
        gw_set(service, "type", gw_text(gw_copy(space + 1, (size_t)(stop - space) - 1)));
        gw_add(services, service);
        at = stop + 1;
    } while (at < end);
    return gw_set(gw_object(), "blueprint", gw_set(gw_object(), "services", services));
}

/* ---- The module ---- */

static const gw_type types[] = {
    {.name = "org.example.Greeter", .kind = "entity", .aliases = GW_NAMES("greeter"), .prefix = "greet:", .description = "says hello",
     .config = (const gw_config_key[]){{.name = "greeting.text", .flags = GW_NAMES("text"), .type = "string", .fallback = "\"hello\"", .description = "what to say"}, {0}},
     .sensors = (const gw_sensor[]){{.name = "greeting", .type = "string"}, {0}},
     .effectors = (const gw_effector[]){{.name = "start", .return_type = "string",
         .parameters = (const gw_parameter[]){{.name = "loud", .type = "boolean", .fallback = "false"}, {0}}}, {0}},
     .effector = start, .resume = placed},
    {.name = "org.example.Restarter", .kind = "policy",
     .config = (const gw_config_key[]){{.name = "also", .type = "string", .description = "a sensor that tells of failures as well"},
                                       {.name = "window", .type = "duration", .description = "how long a failure is remembered"}, {0}},
     .events = (const gw_event[]){{.sensor = "service.isUp"}, {.sensor_from = "also"}, {0}},
     .policy_event = restart, .migrate = migrate},
    {.name = "org.example.Emptiest", .kind = "strategy", .columns = GW_NAMES("containers", "up", "label:rack"), .rank = rank},
    {.name = "org.example.Pair", .kind = "entity",
     .config = (const gw_config_key[]){{.name = "item", .type = "string", .required = true, .description = "type of both children"}, {0}},
     .init = pair},
    {.name = "org.example.Counter", .kind = "enricher",
     .events = (const gw_event[]){{.sensor = "load", .of = "members"}, {.of = "members"}, {0}},
     .related = (const gw_related[]){{.of = "members", .sensors = GW_NAMES("load")}, {0}},
     .enricher_event = count},
    {.name = "org.example.Shout", .kind = "step", .config = (const gw_config_key[]){{.name = "text", .type = "string", .required = true}, {0}}, .plan = shout},
    {.name = "org.example.Wire", .kind = "network", .network = wire},
    {.name = "org.example.Cloud", .kind = "location", .location = cloud},
    {.name = "org.example.Lines", .kind = "format", .formats = GW_NAMES("text/x-lines", ".lines"), .parse = parse},
    {0},
};

const gw_module gowanus_module = {
    .name = "reference", .version = "1.0.0", .types = types,
    .capabilities = (const gw_capability[]){{"step", "obtain-host", "places the greeter"},
                                            {"step", "invoke-effector", "restarts what failed"},
                                            {"step", "log", "tells what is done"},
                                            {"step", "add-entity", "makes pairs"},
                                            {"step", "add-policy", "watches pairs"},
                                            {"step", "deploy-application", "reads blueprints"},
                                            {"sensor", "load", "adds up the load of members"}, {0}},
};
