/* ---- a chart of lines over time ---- */

const CHART = { width: 380, height: 150, left: 50, right: 6, top: 10, bottom: 22 };

/** `series`: `[{name, colour, points: [[x, y]]}]` with x rising; `marks`: `[{x, kind, name}]`; x are milliseconds, or numbers. */
function chart(title, series, marks, x = {}) {
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) return empty("No measure yet.", "It comes when enough labelled rows have been seen.");
  const spread = (values) => [Math.min(...values), Math.max(...values)];
  const [from, to] = spread(all.map(([at]) => at));
  let [low, high] = spread(all.map(([, value]) => value));
  // Shares that move far are shown between nothing and all.
  if (low >= 0 && high <= 1 && high - low > 0.3) [low, high] = [0, 1];
  const room = (high - low) * 0.08 || Math.abs(high) * 0.05 || 0.05;
  [low, high] = [low - room, high + room];
  const toX = (at) => CHART.left + ((at - from) / (to - from || 1)) * (CHART.width - CHART.left - CHART.right);
  const toY = (value) => CHART.top + ((high - value) / (high - low)) * (CHART.height - CHART.top - CHART.bottom);
  const line = (points) => points.map(([at, value]) => `${toX(at).toFixed(1)},${toY(value).toFixed(1)}`).join(" ");
  const shown = marks.filter((mark) => mark.x >= from && mark.x <= to);
  return el(
    "figure",
    { class: "chart" },
    el(
      "figcaption",
      {},
      el("strong", {}, title),
      series.map(({ name, colour, points }) =>
        el(
          "span",
          { class: "legend" },
          svg(
            "svg",
            { viewBox: "0 0 12 12", width: 10, height: 10, "aria-hidden": "true" },
            svg("circle", { cx: 6, cy: 6, r: 5, class: `fill-${colour}` }),
          ),
          ` ${name} `,
          el("b", {}, real(points.at(-1)[1])),
        ),
      ),
    ),
    svg(
      "svg",
      {
        viewBox: `0 0 ${CHART.width} ${CHART.height}`,
        role: "img",
        "aria-label": `${title}: ${series.map(({ name, points }) => `${name} ${real(points.at(-1)[1])}`).join(", ")}`,
      },
      [0, 0.5, 1].map((part) => {
        const value = low + room + (high - low - 2 * room) * part;
        return [
          svg("line", { class: "grid", x1: CHART.left, x2: CHART.width - CHART.right, y1: toY(value), y2: toY(value) }),
          svg(
            "text",
            { x: CHART.left - 8, y: toY(value) + 3.5, "text-anchor": "end" },
            Math.abs(value) < (high - low) / 1000 ? 0 : Number(value.toPrecision(3)),
          ),
        ];
      }),
      shown.map((mark) => [
        svg(
          "line",
          {
            class: `mark ${mark.kind}`,
            x1: toX(mark.x),
            x2: toX(mark.x),
            y1: CHART.top,
            y2: CHART.height - CHART.bottom,
          },
          svg("title", {}, mark.name),
        ),
      ]),
      series.map(({ colour, points }) =>
        points.length === 1
          ? svg("circle", { class: `fill-${colour}`, cx: toX(points[0][0]), cy: toY(points[0][1]), r: 3 })
          : svg("polyline", { class: `line-${colour}`, points: line(points) }),
      ),
      svg("text", { x: CHART.left, y: CHART.height - 6 }, x.text ? x.text(from) : ""),
      svg(
        "text",
        { x: CHART.width - CHART.right, y: CHART.height - 6, "text-anchor": "end" },
        x.text ? x.text(to) : "",
      ),
    ),
  );
}
