/* ---- how well a model does: its metrics over time, by slice, and the drift of its columns ---- */

/** The rows of a topic of the steward; their event time in milliseconds. */
function rowsIn(found) {
  return (found.value ?? []).map((record) => {
    const row = parsed(record.value) ?? {};
    const at = typeof row.at === "string" ? Date.parse(row.at) : (row.at ?? record.timestamp);
    return { ...row, offset: record.offset, at, version: row.model_version ?? row.version };
  });
}

/** Metrics by version, with the moments of the story. */
function metricsPanel(topics, drift) {
  const found = tail(`${topics}.metrics`, 3000);
  const all = rowsIn(found);
  if (!found.value || all.length === 0)
    return panel(
      "Metrics",
      empty(found.error?.message ?? "No measure yet.", "Each comes when enough rows have met their labels."),
    );
  const rows = all.filter((row) => !row.monitor && !row.slice && typeof row.value === "number");
  const moments = rowsIn(tail(`${topics}.events`, 300)).filter(
    (row) => row.event !== "arms" && row.event !== "verdict",
  );
  const marks = moments.map((row) => ({ x: row.at, kind: STORY[row.event] ?? "idle", name: row.event }));
  const names = [...new Set(rows.map((row) => row.metric))];
  const told = [...new Set(marks.map((mark) => mark.name))].map((name) => chip(STORY[name] ?? "idle", name));
  const sameTime = new Set(rows.map((row) => row.at)).size < 3;
  const x = sameTime ? (row, nth) => nth : (row) => row.at;
  const charts =
    rows.length > 0 &&
    panel(
      "Metrics over time",
      el(
        "div",
        { class: "charts" },
        names.map((metric) => {
          const own = rows.filter((row) => row.metric === metric).map((row, nth) => ({ ...row, x: x(row, nth) }));
          const versions = [...new Set(own.map((row) => row.version))].sort((a, b) => a - b);
          const series = versions.map((version) => ({
            name: `version ${version}`,
            colour: colourOf(version),
            points: own.filter((row) => row.version === version).map((row) => [row.x, row.value]),
          }));
          return chart(
            metric,
            series,
            sameTime ? [] : marks,
            sameTime ? {} : { text: (at) => new Date(at).toLocaleString("sv-SE").slice(5, 16) },
          );
        }),
      ),
      told.length > 0 && !sameTime && el("p", { class: "row dim marks" }, "Dotted lines:", told),
    );
  return [
    charts,
    slicesPanel(all.filter((row) => row.slice && !row.monitor)),
    driftPanel(
      all.filter((row) => row.monitor),
      drift,
    ),
  ];
}

/** Rows by what names them, in the order of time. */
function grouped(rows, nameOf) {
  const groups = new Map();
  for (const row of rows) groups.set(nameOf(row), [...(groups.get(nameOf(row)) ?? []), row]);
  return [...groups];
}

/** What the last window of each monitor found, by column and statistic; what has drifted stands first. `latest` is
 *  what the daemon says of it; the rows of the topic show the windows before. */
function driftPanel(rows, latest) {
  const nameOf = (one) => `${one.monitor} ${one.column ?? ""} ${one.statistic ?? one.metric}`;
  const windows = new Map(grouped(rows, nameOf));
  const found = latest?.length > 0 ? [...latest] : [...windows.values()].map((own) => own.at(-1));
  if (found.length === 0) return null;
  found.sort((a, b) => (b.drifted === true) - (a.drifted === true));
  const drifted = found.filter((one) => one.drifted).length;
  const past = (one) => (windows.get(nameOf(one)) ?? []).slice(-60).map((row) => row.value);
  const line = (one) =>
    past(one).length > 1 && sparkline(past(one), `${one.statistic ?? one.metric}, window by window`);
  const heads = [
    ["column"],
    ["statistic"],
    ["value", "n"],
    ["p", "n"],
    ["windows"],
    ["drifted"],
    ["version", "n"],
    ["monitor"],
  ];
  const row = (one) => ({
    key: nameOf(one),
    cells: [
      el("strong", { class: "mono" }, one.column ?? "all"),
      one.statistic ?? one.metric,
      json(one.value),
      json(one.p),
      el("span", { class: "in-cell" }, line(one) || "–"),
      one.drifted === true ? chip("bad", "drifted") : one.drifted === false ? chip("good", "no") : "–",
      one.version ?? "–",
      one.monitor,
    ],
  });
  return panel(
    "Drift",
    el(
      "p",
      { class: "lead" },
      dot(drifted > 0 ? "bad" : "good"),
      ` ${num(drifted)} of ${count(found.length, "number")} beyond their limits in the last window`,
    ),
    table("Drift by monitor and column", heads, found.map(row)),
  );
}

/** Metrics of parts of the rows, as they were last. */
function slicesPanel(rows) {
  if (rows.length === 0) return null;
  return panel(
    "Slices",
    table(
      "Metrics by slice",
      [["slice"], ["metric"], ["value", "n"], ["version", "n"], ["rows", "n"]],
      grouped(rows, (row) => `${row.slice} ${row.metric} ${row.version}`).map(([key, own]) => ({
        key,
        cells: [
          el("strong", {}, own.at(-1).slice),
          own.at(-1).metric,
          real(own.at(-1).value),
          own.at(-1).version,
          num(own.at(-1).rows),
        ],
      })),
    ),
  );
}
