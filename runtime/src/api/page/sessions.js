/* ---- sessions: a key's state, and the keys that fail ---- */

const KEYED = ["rolling", "window", "detect", "label", "steward", "sketch", "watch"];

function isKeyed(node) {
  return KEYED.includes(node.kind);
}

function sessionsView(here, topology) {
  const operators = (topology?.nodes ?? []).filter(isKeyed).map((node) => node.id);
  if (topology && operators.length === 0) {
    return empty(
      "This topology keeps no state by key.",
      "Operators of the kinds ",
      el("code", {}, "rolling"),
      " and ",
      el("code", {}, "window"),
      " do.",
    );
  }
  const [operator, ...rest] = here.args;
  const key = rest.join("/");
  const by = here.query.get("by") ?? "failures";
  return [searchForm(operators, operator, key), key !== "" && onePanel(operator, key), listPanel(by, here.args)];
}

function searchForm(operators, operator, key) {
  const onsubmit = (event) => {
    event.preventDefault();
    const form = event.target;
    location.hash = path`#/sessions/${form.elements.operator.value}/${form.elements.key.value}`;
  };
  return el(
    "form",
    { class: "panel search", role: "search", onsubmit, key: `search ${operator} ${key}` },
    el(
      "label",
      {},
      el("span", {}, "Operator"),
      el(
        "select",
        { name: "operator" },
        operators.map((id) => el("option", { value: id, selected: id === operator }, id)),
      ),
    ),
    el(
      "label",
      { class: "grow" },
      el("span", {}, "Key"),
      el("input", {
        name: "key",
        value: key,
        required: true,
        autocomplete: "off",
        spellcheck: "false",
        placeholder: "a key as its records have it",
      }),
    ),
    el("button", { type: "submit", class: "first" }, "Find"),
  );
}

function onePanel(operator, key) {
  if (key === "." || key === "..")
    return panel(key, empty("A browser cannot ask for this key.", el("code", {}, "thalweg sessions show"), " can."));
  const { value: session, error } = want(path`/v1/sessions/${operator}/${key}`, "session");
  if (error) return panel(key, empty(error.message, error.hint));
  if (!session || session.key !== key || session.operator !== operator) return panel(key, empty("Reading …"));
  const { quarantine } = session;
  return el(
    "section",
    { class: "panel", id: "session" },
    el(
      "div",
      { class: "row" },
      el("h2", { class: "mono" }, session.key),
      chip("plain", session.operator),
      quarantine ? chip("bad", "in quarantine") : session.present ? chip("good", "goes on") : chip("idle", "no state"),
    ),
    quarantine && quarantineBox(session),
    !session.present &&
      !quarantine &&
      el("p", {}, "No record of this key has left state here, or it was let go. Keys are compared letter by letter."),
    facts([
      ["task", session.task],
      ["snapshot", session.present ? bytes(session.bytes) : null],
      ["wakes at", session.timer === null ? null : moment(session.timer)],
    ]),
    session.state && [el("h3", {}, "State, as committed"), json(session.state)],
    more(session, ["operator", "key", "task", "present", "bytes", "timer", "state", "quarantine"]),
  );
}

function quarantineBox({ operator, key, quarantine }) {
  const end = (action, done) => act("POST", path`/v1/sessions/${operator}/${key}/${action}`, undefined, done);
  const skip = () =>
    confirmed(
      "Skip the held records?",
      `Key ${key} goes on from now; its ${count(quarantine.held, "held record")} will not be counted. They stay among the dead letters.`,
      "Skip them",
      () => end("skip", () => `${key} goes on; what was held is given up.`),
    );
  return el(
    "div",
    { class: "banner bad" },
    el(
      "p",
      {},
      el("strong", {}, `Set aside since `),
      moment(quarantine.since_ms),
      `, after ${count(quarantine.failures, "failure")}. ${count(quarantine.held, "record")} held.`,
    ),
    el("p", { class: "mono" }, quarantine.reason),
    el(
      "div",
      { class: "row" },
      button(
        "Replay held records",
        () => end("replay", ({ replayed }) => `${key} goes on; ${count(replayed, "record")} ran again.`),
        { class: "first", "data-do": "replay" },
      ),
      button("Release", () => end("release", () => `${key} goes on from now.`), {
        "data-do": "release",
        title: "The key goes on from now; held records stay among the dead letters",
      }),
      button("Skip", skip, { class: "bad", "data-do": "skip" }),
    ),
  );
}

const LISTS = [
  ["failures", "In trouble"],
  ["rate", "Busiest"],
  ["bytes", "Largest"],
];

function listPanel(by, args) {
  const at = ["#/sessions", ...args.map(encodeURIComponent)].join("/");
  const { value: all, error } = want(`/v1/sessions?by=${by}&limit=20`, `sessions ${by}`);
  const tabs = el(
    "div",
    { class: "tabs", role: "group", "aria-label": "Which sessions" },
    LISTS.map(([id, text]) => el("a", { href: `${at}?by=${id}`, "aria-current": id === by && "true" }, text)),
  );
  const link = ({ operator, key }) =>
    el(
      "a",
      { class: "mono", href: path`#/sessions/${operator}/${key}?by=${by}` },
      key === "" ? "(the empty key)" : key,
    );
  const rows = (heads, cells) =>
    table(
      "Sessions",
      heads,
      all.map((one) => ({ key: `${one.operator} ${one.key}`, cells: cells(one) })),
    );
  let shown;
  if (!all) shown = empty(error?.message ?? "Asking …");
  else if (all.length === 0) {
    shown =
      by === "failures"
        ? empty(
            "No key fails.",
            "A key that fails three times within a minute is set aside and stands here, with what can be done about it.",
          )
        : empty("No session is in memory.", "Sessions come with the first record of their key.");
  } else if (by === "failures") {
    shown = rows(
      [["key"], ["operator"], ["how it is"], ["since"], ["failures", "n"], ["held", "n"], ["reason"]],
      (one) => [
        link(one),
        one.operator,
        chip(one.state === "quarantined" ? "bad" : "warn", one.state),
        moment(one.since_ms),
        num(one.failures),
        num(one.held),
        one.reason ?? "–",
      ],
    );
  } else {
    shown = rows([["key"], ["operator"], ["task"], ["rows a minute", "n"], ["bytes", "n"], ["hosting"]], (one) => [
      link(one),
      one.operator,
      one.task ?? "–",
      num(one.rows_per_minute),
      bytes(one.bytes),
      one.hosting,
    ]);
  }
  return el("section", { class: "panel" }, tabs, shown);
}
