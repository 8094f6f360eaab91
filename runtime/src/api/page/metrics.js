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
function metricsPanel(topics) {
  const found = tail(`${topics}.metrics`, 3000);
  const all = rowsIn(found);
  if (!found.value || all.length === 0)
    return panel(
      "Metrics",
      empty(found.error?.message ?? "No measure yet.", "Each comes when enough rows have met their labels."),
    );
  const rows = all.filter((row) => !row.monitor && !row.slice);
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
    driftPanel(all.filter((row) => row.monitor)),
  ];
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
  const found = grouped(rows, (row) => `${row.monitor} ${row.column ?? ""} ${row.metric}`).map(([key, own]) => ({
    key,
    own,
    last: own.at(-1),
  }));
  found.sort((a, b) => (b.last.drifted === true) - (a.last.drifted === true));
  return panel(
    "Drift, window by window",
    table(
      "Drift by monitor and column",
      [
        ["column"],
        ["statistic"],
        ["value", "n"],
        ["p", "n"],
        ["windows"],
        ["drifted"],
        ["version", "n"],
        ["rows", "n"],
        ["monitor"],
      ],
      found.map(({ key, own, last }) => ({
        key,
        cells: [
          el("strong", { class: "mono" }, last.column ?? "all"),
          last.metric,
          real(last.value),
          last.p === null || last.p === undefined ? "–" : real(last.p),
          own.length > 1
            ? el(
                "span",
                { class: "in-cell" },
                sparkline(
                  own.slice(-60).map((row) => row.value),
                  `${last.metric} by window`,
                ),
              )
            : "one",
          last.drifted ? chip("bad", "drifted") : chip("good", "no"),
          last.version,
          num(last.rows),
          last.monitor,
        ],
      })),
    ),
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
