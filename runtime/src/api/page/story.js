/* ---- the story of a model that learns: what its steward told ---- */

const STORY = {
  alarm: "warn",
  train: "idle",
  verdict: "idle",
  refused: "warn",
  arms: "idle",
  promoted: "good",
  "rolled-back": "bad",
};

function storyPanel(topics) {
  const found = tail(`${topics}.events`, 300);
  const rows = rowsIn(found).toReversed();
  if (rows.length === 0)
    return panel(
      "Story",
      empty(
        found.error?.message ?? "Nothing has happened yet.",
        "An alarm of a monitor, a training, the verdict on a new version and who answers stand here.",
      ),
    );
  return panel(
    "Story",
    el(
      "ol",
      { class: "story" },
      rows.map((row) => {
        const detail = typeof row.detail === "string" ? (parsed(row.detail) ?? row.detail) : row.detail;
        return el(
          "li",
          { key: row.offset },
          el(
            "div",
            { class: "row" },
            chip(storyKind(row, detail), row.event),
            row.version && el("span", {}, `version ${row.version}`),
            el("span", { class: "dim" }, moment(row.at)),
          ),
          el("p", {}, storyText(row.event, detail)),
          row.event === "verdict" && verdict(detail?.verdict),
        );
      }),
    ),
  );
}

function storyKind(row, detail) {
  if (row.event !== "verdict") return STORY[row.event] ?? "idle";
  return detail?.verdict?.promoted ? "good" : "warn";
}

function storyText(event, detail) {
  if (detail === null || typeof detail !== "object") return String(detail ?? "");
  switch (event) {
    case "alarm":
      return detail.drifted
        ? `Monitor ${detail.monitor} sees drift in ${detail.drifted.map((one) => `${one.column ?? "all columns"} (${one.statistic} ${real(one.value)})`).join(", ")}, over ${count(detail.rows, "row")}.`
        : `Monitor ${detail.monitor} (${detail.detector}) sees drift at labelled row ${num(detail.row)}.`;
    case "train":
      return `Trains beside the stream on labelled rows ${num(detail.from)} to ${num(detail.to)}, because of ${detail.reason}; it must beat version ${detail.champion}.`;
    case "verdict":
      return detail.failed
        ? `The training failed: ${detail.failed}`
        : detail.verdict?.promoted
          ? "The gate lets it on trial."
          : "The gate says no.";
    case "arms":
      return detail.challenger
        ? `Version ${detail.challenger} answers ${real(detail.share * 100)} % of the keys, version ${detail.champion} the rest.`
        : `Version ${detail.champion} answers all keys.`;
    case "promoted":
      return `It takes the place of the champion${typeof detail.before === "number" ? ` ${detail.before}` : ""}.`;
    default:
      return detail.reason ?? JSON.stringify(detail);
  }
}

/** What the gate found, check by check, with its numbers. */
function verdict(found) {
  if (!found) return null;
  return el(
    "details",
    {},
    el("summary", {}, `${count(found.reasons.length, "check")}, ${count(Object.keys(found.numbers).length, "number")}`),
    table(
      "Checks of the gate",
      [["check"], ["passed"], ["what was found"]],
      found.reasons.map((reason) => ({
        key: reason.check,
        cells: [reason.check, reason.passed ? chip("good", "yes") : chip("bad", "no"), reason.words],
      })),
    ),
    facts(Object.entries(found.numbers).map(([name, value]) => [name, real(value)])),
  );
}
