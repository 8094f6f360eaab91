
/* ---- models: who answers, how well, and the story of their learning ---- */

const STORY = { alarm: "warn", train: "idle", verdict: "idle", refused: "warn", arms: "idle", promoted: "good", "rolled-back": "bad" };

function modelsView(here, topology) {
  const { value: models, error } = want("/v1/models");
  if (!models) return empty(error?.message ?? "Asking …");
  if (models.length === 0) return empty("This topology has no model.", "A table ", el("code", {}, "[[model]]"), " and an operator of the kind ", el("code", {}, "infer"), " bring one in.");
  const chosen = models.filter((model) => here.args.length === 0 || model.id === here.args[0]);
  const others = models.length > 1 && el("div", { class: "tabs" }, models.map((model) =>
    el("a", { href: path`#/models/${model.id}`, "aria-current": model.id === here.args[0] && "true" }, model.id)));
  return [others, chosen.map((model) => modelPanels(model, topology))];
}

function modelPanels(model, topology) {
  const topics = topology && `${topology.name}.${model.id}`;
  const learns = topology?.nodes.some((node) => node.kind === "sink" && node.topic === `${topics}.events`);
  const known = ["id", "path", "version", "arms", "training", "trouble"];
  const asks = (topology?.nodes ?? []).filter((node) => node.kind === "infer");
  return el("div", { class: "model", key: model.id },
    el("section", { class: "panel" },
      el("div", { class: "row" }, el("h2", {}, model.id), model.version === null ? chip("warn", "not running") : chip("good", `version ${model.version} serves`),
        model.trouble && chip("bad", "in trouble")),
      model.trouble && el("div", { class: "banner bad" }, el("strong", {}, "A decision cannot be carried out: "), model.trouble),
      armsBar(model), trainingBar(model.training),
      facts([["files", model.path], ["asked by", asks.length > 0 && asks.map((node, nth) => [nth > 0 && ", ", el("a", { href: path`#/topology/${node.id}` }, node.id)])]]),
      more(model, known)),
    learns ? [metricsPanel(topics), storyPanel(topics)]
      : el("section", { class: "panel" }, empty("This model does not learn.", "With ", el("code", {}, "[model.log]"), ", ", el("code", {}, "[model.labels]"), " and ", el("code", {}, "[model.retrain]"),
        " its answers meet what came true, and how well it does stands here.")));
}

/** A version has one colour wherever it stands. */
function colourOf(version) {
  return (version + 4) % 5;
}

/** Which version answers which share of the keys. */
function armsBar({ arms }) {
  if (!arms?.challenger) return null;
  const { champion, challenger, share } = arms;
  return el("div", { class: "arms" },
    el("div", { class: "row" }, el("span", {}, `champion ${champion}: ${real((1 - share) * 100)} % of the keys`), el("span", {}, `challenger ${challenger}: ${real(share * 100)} %`)),
    svg("svg", { viewBox: "0 0 100 2", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { class: `fill-${colourOf(champion)}`, width: 100, height: 2 }), svg("rect", { class: `fill-${colourOf(challenger)}`, x: 100 - share * 100, width: share * 100, height: 2 })));
}

function trainingBar(training) {
  if (!training) return null;
  const { epoch, epochs, step, steps } = training;
  const share = epochs ? (epoch - 1 + step / Math.max(1, steps)) / epochs : 0;
  return el("div", { class: "training" }, el("h3", {}, "A new version is in training"), bar(share, "flows", epochs ? `epoch ${epoch} of at most ${epochs}` : ""),
    more(training, ["epoch", "epochs", "step", "steps"]));
}

/** The rows of a topic of the steward; their event time in milliseconds. */
function rowsIn(found) {
  return (found.value ?? []).map((record) => {
    const row = parsed(record.value) ?? {};
    const at = typeof row.at === "string" ? Date.parse(row.at) : row.at ?? record.timestamp;
    return { ...row, offset: record.offset, at, version: row.model_version ?? row.version };
  });
}

/** Metrics by version, with the moments of the story. */
function metricsPanel(topics) {
  const found = tail(`${topics}.metrics`, 3000);
  const all = rowsIn(found);
  if (!found.value || all.length === 0) return panel("Metrics", empty(found.error?.message ?? "No measure yet.", "Each comes when enough rows have met their labels."));
  const rows = all.filter((row) => !row.monitor && !row.slice);
  const moments = rowsIn(tail(`${topics}.events`, 300)).filter((row) => row.event !== "arms" && row.event !== "verdict");
  const marks = moments.map((row) => ({ x: row.at, kind: STORY[row.event] ?? "idle", name: row.event }));
  const names = [...new Set(rows.map((row) => row.metric))];
  const told = [...new Set(marks.map((mark) => mark.name))].map((name) => chip(STORY[name] ?? "idle", name));
  const sameTime = new Set(rows.map((row) => row.at)).size < 3;
  const x = sameTime ? (row, nth) => nth : (row) => row.at;
  const charts = rows.length > 0 && panel("Metrics over time", el("div", { class: "charts" }, names.map((metric) => {
    const own = rows.filter((row) => row.metric === metric).map((row, nth) => ({ ...row, x: x(row, nth) }));
    const versions = [...new Set(own.map((row) => row.version))].sort((a, b) => a - b);
    const series = versions.map((version) => ({ name: `version ${version}`, colour: colourOf(version), points: own.filter((row) => row.version === version).map((row) => [row.x, row.value]) }));
    return chart(metric, series, sameTime ? [] : marks, sameTime ? {} : { text: (at) => new Date(at).toLocaleString("sv-SE").slice(5, 16) });
  })), told.length > 0 && !sameTime && el("p", { class: "row dim marks" }, "Dotted lines:", told));
  return [charts, slicesPanel(all.filter((row) => row.slice && !row.monitor)), driftPanel(all.filter((row) => row.monitor))];
}

/** Rows by what names them, in the order of time. */
function grouped(rows, nameOf) {
  const groups = new Map();
  for (const row of rows) groups.set(nameOf(row), [...(groups.get(nameOf(row)) ?? []), row]);
  return [...groups];
}

/** What each window of each monitor found, column by column; what has drifted stands first. */
function driftPanel(rows) {
  if (rows.length === 0) return null;
  const found = grouped(rows, (row) => `${row.monitor} ${row.column ?? ""} ${row.metric}`).map(([key, own]) => ({ key, own, last: own.at(-1) }));
  found.sort((a, b) => (b.last.drifted === true) - (a.last.drifted === true));
  return panel("Drift, window by window", table("Drift by monitor and column", [["column"], ["statistic"], ["value", "n"], ["p", "n"], ["windows"], ["drifted"], ["version", "n"], ["rows", "n"], ["monitor"]],
    found.map(({ key, own, last }) => ({ key, cells: [
      el("strong", { class: "mono" }, last.column ?? "all"), last.metric, real(last.value), last.p === null || last.p === undefined ? "–" : real(last.p),
      own.length > 1 ? el("span", { class: "in-cell" }, sparkline(own.slice(-60).map((row) => row.value), `${last.metric} by window`)) : "one",
      last.drifted ? chip("bad", "drifted") : chip("good", "no"), last.version, num(last.rows), last.monitor] }))));
}

/** Metrics of parts of the rows, as they were last. */
function slicesPanel(rows) {
  if (rows.length === 0) return null;
  return panel("Slices", table("Metrics by slice", [["slice"], ["metric"], ["value", "n"], ["version", "n"], ["rows", "n"]],
    grouped(rows, (row) => `${row.slice} ${row.metric} ${row.version}`).map(([key, own]) => ({ key, cells: [
      el("strong", {}, own.at(-1).slice), own.at(-1).metric, real(own.at(-1).value), own.at(-1).version, num(own.at(-1).rows)] }))));
}

function storyPanel(topics) {
  const found = tail(`${topics}.events`, 300);
  const rows = rowsIn(found).toReversed();
  if (rows.length === 0) return panel("Story", empty(found.error?.message ?? "Nothing has happened yet.", "An alarm of a monitor, a training, the verdict on a new version and who answers stand here."));
  return panel("Story", el("ol", { class: "story" }, rows.map((row) => {
    const detail = typeof row.detail === "string" ? parsed(row.detail) ?? row.detail : row.detail;
    return el("li", { key: row.offset },
      el("div", { class: "row" }, chip(storyKind(row, detail), row.event), row.version && el("span", {}, `version ${row.version}`), el("span", { class: "dim" }, moment(row.at))),
      el("p", {}, storyText(row.event, detail)),
      row.event === "verdict" && verdict(detail?.verdict));
  })));
}

function storyKind(row, detail) {
  if (row.event !== "verdict") return STORY[row.event] ?? "idle";
  return detail?.verdict?.promoted ? "good" : "warn";
}

function storyText(event, detail) {
  if (detail === null || typeof detail !== "object") return String(detail ?? "");
  switch (event) {
    case "alarm": return detail.drifted ? `Monitor ${detail.monitor} sees drift in ${detail.drifted.map((one) => `${one.column ?? "all columns"} (${one.statistic} ${real(one.value)})`).join(", ")}, over ${count(detail.rows, "row")}.` : `Monitor ${detail.monitor} (${detail.detector}) sees drift at labelled row ${num(detail.row)}.`;
    case "train": return `Trains beside the stream on labelled rows ${num(detail.from)} to ${num(detail.to)}, because of ${detail.reason}; it must beat version ${detail.champion}.`;
    case "verdict": return detail.failed ? `The training failed: ${detail.failed}` : detail.verdict?.promoted ? "The gate lets it on trial." : "The gate says no.";
    case "arms": return detail.challenger ? `Version ${detail.challenger} answers ${real(detail.share * 100)} % of the keys, version ${detail.champion} the rest.` : `Version ${detail.champion} answers all keys.`;
    case "promoted": return `It takes the place of the champion${typeof detail.before === "number" ? ` ${detail.before}` : ""}.`;
    default: return detail.reason ?? JSON.stringify(detail);
  }
}

/** What the gate found, check by check, with its numbers. */
function verdict(found) {
  if (!found) return null;
  return el("details", {}, el("summary", {}, `${count(found.reasons.length, "check")}, ${count(Object.keys(found.numbers).length, "number")}`),
    table("Checks of the gate", [["check"], ["passed"], ["what was found"]], found.reasons.map((reason) => ({ key: reason.check, cells: [
      reason.check, reason.passed ? chip("good", "yes") : chip("bad", "no"), reason.words] }))),
    facts(Object.entries(found.numbers).map(([name, value]) => [name, real(value)])));
}
