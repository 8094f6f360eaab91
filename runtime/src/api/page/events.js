/* ---- events: what happened in this life of the daemon ---- */

const EVENT_KINDS = {
  "dead-letters": "warn",
  quarantined: "bad",
  released: "good",
  restarting: "bad",
  parked: "bad",
  retried: "idle",
  hung: "bad",
  escalated: "bad",
  unread: "warn",
};

function eventsView(here) {
  const only = here.query.get("only");
  const kinds = [...new Set(live.events.map((event) => event.event))].sort();
  const shown = live.events.filter((event) => !only || event.event === only).toReversed();
  if (live.events.length === 0)
    return empty(
      "Nothing has happened.",
      "Restarts, keys in quarantine, dead letters and circuit breakers stand here as they come.",
    );
  const tab = (kind, text) =>
    el(
      "a",
      { href: kind ? path`#/events?only=${kind}` : "#/events", "aria-current": (kind ?? null) === only && "true" },
      text,
    );
  return el(
    "section",
    { class: "panel" },
    el(
      "div",
      { class: "tabs", role: "group", "aria-label": "Which events" },
      tab(null, "all"),
      kinds.map((kind) => tab(kind, kind)),
    ),
    el(
      "ol",
      { class: "events", role: "log", "aria-label": "Events, the last one first", tabindex: "0" },
      shown
        .slice(0, 300)
        .map((event) =>
          el(
            "li",
            { key: event.number },
            el("span", { class: "dim" }, moment(event.at_ms)),
            chip(eventKind(event), event.event),
            el("span", { class: "said" }, eventText(event)),
          ),
        ),
    ),
  );
}

function eventKind(event) {
  if (event.event === "alert") return event.state === "firing" ? "bad" : "good";
  if (event.event === "breaker") return event.to === "open" ? "bad" : event.to === "closed" ? "good" : "warn";
  return EVENT_KINDS[event.event] ?? "idle";
}

function eventText(event) {
  const session = () => el("a", { class: "mono", href: path`#/sessions/${event.operator}/${event.key}` }, event.key);
  switch (event.event) {
    case "dead-letters":
      return [el("a", { href: "#/dead-letters" }, count(event.count, "record")), ` at ${event.stage}: ${event.code}`];
    case "quarantined":
      return [
        "Key ",
        session(),
        ` of ${event.operator} is set aside after ${count(event.failures, "failure")}: ${event.reason}`,
      ];
    case "released":
      return [
        "Key ",
        session(),
        ` of ${event.operator} goes on (${event.action}), ${count(event.replayed, "record")} ran again`,
      ];
    case "breaker":
      return `Breaker of model ${event.model}: ${event.from} to ${event.to}${event.reason ? `, ${event.reason}` : ""}`;
    case "alert":
      return `${event.alert} ${event.state === "firing" ? "fires" : "is resolved"}${event.condition ? `: ${event.condition}` : ""}${event.value === null ? "" : `, measured ${real(event.value)}`}${event.series ? ` of ${event.series}` : ""}`;
    case "parked":
      return [
        el("a", { href: "#/partitions" }, event.task),
        ` is left out after ${event.cause}: ${event.reason}. Again at `,
        moment(event.retry_ms),
      ];
    case "restarting":
      return [
        el("span", { class: "mono" }, event.actor),
        ` ${event.cause}: ${event.reason}. Again in ${lasting(event.after_ms)}, ${count(event.left, "restart")} left`,
      ];
    default:
      return Object.entries(event)
        .filter(([name]) => !["number", "at_ms", "event"].includes(name))
        .map(([name, value], nth) => [
          nth > 0 && ", ",
          `${name.replaceAll("_", " ")} `,
          el("span", { class: "mono" }, json(value)),
        ]);
  }
}
