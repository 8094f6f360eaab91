/* ---- dead letters: what could not be processed, why, and what to do with it ---- */

const SHOWN = 200;

function lettersView(here, topology) {
  const topic = topology && `${topology.name}.dead-letters`;
  const range = topic && want(path`/v1/topics/${topic}`);
  if (!range?.value) return empty(range?.error?.message ?? "Asking …");
  const [first, end] = range.value.partitions[0];
  const newest = Math.max(first, end - SHOWN);
  const from = Math.min(newest, Math.max(first, Number(here.query.get("from") ?? newest) || 0));
  const { value: letters, error } = want(`/v1/dead-letters?from=${from}&limit=${SHOWN}`, "letters");
  if (!letters) return empty(error?.message ?? "Reading …");
  const all = letters.map((letter) => ({ ...letter, head: Object.fromEntries(letter.headers) })).toReversed();
  if (all.length === 0 && from === first)
    return empty(
      "No dead letters.",
      "A record that cannot be processed comes here with its reason instead of stopping the stream; it can be repaired and replayed.",
    );
  return [
    groups(all.filter((letter) => !letter.head["thalweg.mark"])),
    panel(
      "Letters",
      el("ul", { class: "letters" }, all.map(letterItem)),
      el(
        "div",
        { class: "row" },
        from > first && el("a", { href: `#/dead-letters?from=${Math.max(first, from - SHOWN)}` }, "Earlier ones"),
        from < newest && el("a", { href: "#/dead-letters" }, "The last ones"),
      ),
    ),
  ];
}

/** Open letters by stage and code: what is done to one is mostly done to all of its kind. */
function groups(open) {
  const by = new Map();
  for (const { head } of open) {
    const [stage, code] = [head["thalweg.stage"], head["thalweg.code"]];
    const group = by.get(`${stage} ${code}`) ?? { stage, code, count: 0, reason: head["thalweg.reason"] };
    group.count += 1;
    by.set(`${stage} ${code}`, group);
  }
  if (by.size === 0)
    return el("p", { class: "lead" }, dot("good"), " Of the letters below, none waits for a decision.");
  const rows = [...by.values()].map(({ stage, code, count: many, reason }) => ({
    key: `${stage} ${code}`,
    cells: [
      el("strong", { class: "mono" }, code),
      el("span", { class: "mono" }, stage),
      num(many),
      reason ?? "–",
      el(
        "div",
        { class: "row" },
        button("Replay all", () => act("POST", "/v1/dead-letters/replay", { stage, code }, replayed)),
        button(
          "Drop all",
          () =>
            confirmed(
              "Drop these letters?",
              `All open letters of stage ${stage} with the code ${code}, older ones too, are given up. They stay to be read.`,
              "Drop them",
              () => act("POST", "/v1/dead-letters/drop", { stage, code }, dropped),
            ),
          { class: "bad" },
        ),
      ),
    ],
  }));
  return panel(
    "Open, by kind",
    table("Open dead letters by kind", [["code"], ["stage"], ["letters", "n"], ["last reason"], ["do"]], rows),
  );
}

const replayed = ({ letters }) =>
  `${count(letters, "letter")} put back where ${letters === 1 ? "it" : "they"} came from.`;
const dropped = ({ letters }) => `${count(letters, "letter")} given up.`;

function letterItem(letter) {
  const { head, offset } = letter;
  const mark = head["thalweg.mark"];
  return el(
    "li",
    { key: offset },
    el(
      "details",
      {},
      el(
        "summary",
        {},
        el("span", { class: "dim" }, num(offset)),
        mark ? chip(mark === "replayed" ? "good" : "idle", mark) : chip("bad", head["thalweg.code"] ?? "letter"),
        el("span", { class: "mono" }, letter.key ?? "no key"),
        el("span", { class: "reason" }, head["thalweg.reason"] ?? ""),
      ),
      facts([
        ["when", moment(letter.timestamp)],
        ["stage", head["thalweg.stage"]],
        ["code", head["thalweg.code"]],
        ["came from", head["thalweg.input"]],
        ["key", letter.key],
        ["reason", head["thalweg.reason"]],
        ["bytes, not text", letter.value_hex],
      ]),
      mark ? el("pre", {}, letter.value === null ? "no value" : pretty(letter.value)) : letterForm(letter),
    ),
  );
}

/** The value to be repaired, and what can be done. */
function letterForm({ offset, value, value_hex: binary }) {
  const id = `letter-${offset}`;
  const replay = (event) => {
    event.preventDefault();
    const typed = binary ? value : event.target.elements.value.value;
    act(
      "POST",
      "/v1/dead-letters/replay",
      typed === value || value === null ? { offset } : { offset, value: typed },
      replayed,
    );
  };
  const drop = () =>
    confirmed("Drop this letter?", `Letter ${offset} is given up. It stays to be read.`, "Drop it", () =>
      act("POST", "/v1/dead-letters/drop", { offset }, dropped),
    );
  return el(
    "form",
    { class: "repair", onsubmit: replay },
    el(
      "label",
      { for: id },
      binary ? "Value (not text: it can be replayed as it is)" : "Value: repair it here, or replay it as it is",
    ),
    el(
      "textarea",
      {
        id,
        name: "value",
        rows: Math.min(12, Math.max(2, Math.ceil((value ?? "").length / 70))),
        spellcheck: "false",
        readonly: binary && true,
      },
      value ?? "",
    ),
    el(
      "div",
      { class: "row" },
      el("button", { type: "submit", class: "first" }, "Replay"),
      button("Drop", drop, { class: "bad" }),
    ),
  );
}
