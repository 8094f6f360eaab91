/* ---- topology: the graph with rates and lag, and what a node is ---- */

const WIDE = { wide: 182, high: 78, node: 164, tall: 48, letters: 19 };
const NARROW = { wide: 126, high: 74, node: 116, tall: 46, letters: 14 };

/** The id of a node's port as inputs name it (`decision.block`) without the port. */
function nodeOf(input) {
  return input.split(".")[0];
}

function topologyView(here, topology) {
  if (!topology) return empty("Asking the daemon for its topology …");
  const chosen = topology.nodes.find((node) => node.id === here.args[0]);
  return [
    figures(),
    el(
      "div",
      { class: "beside" },
      el("section", { class: "panel graph", "aria-label": "Graph" }, graph(topology, chosen)),
      el("aside", { class: "panel", "aria-live": "off" }, chosen ? nodePanel(topology, chosen) : aboutGraph(topology)),
    ),
  ];
}

/* The figures above the graph. */

function figures() {
  const last = pulse();
  const tasks = last?.partitions ?? [];
  const lag = tasks.reduce((sum, task) => sum + task.lag, 0);
  const held = tasks.reduce((sum, task) => sum + task.held, 0);
  const sessions = tasks.reduce((sum, task) => sum + task.sessions, 0);
  const records = (one) => one.records;
  return el(
    "div",
    { class: "figures" },
    figure("Records", pace(rate(records)), "a second", rateLine(records)),
    figure("Decisions", pace(rate((one) => one.decisions)), "a second", last && `${num(last.decisions)} in this life`),
    figure(
      "Lag",
      num(last?.partitions ? lag : undefined),
      "records",
      held > 0 ? `${count(held, "row")} held for order` : "no row is held",
    ),
    figure(
      "Sessions",
      num(last ? sessions : undefined),
      "",
      `${bytes(tasks.reduce((sum, task) => sum + task.state_bytes, 0))} in memory`,
    ),
    alarming("Quarantine", last?.quarantined, "bad", "#/sessions", "no key is set aside"),
    alarming("Dead letters", last?.dead_letters, "warn", "#/dead-letters", "none in this life"),
  );
}

function figure(name, value, unit, below) {
  return el(
    "div",
    { class: "figure-box" },
    el("h2", {}, name),
    el("p", { class: "value" }, value, " ", el("small", {}, unit)),
    el("div", { class: "below" }, below),
  );
}

function alarming(name, value, kind, href, none) {
  const is = value > 0;
  return figure(
    name,
    el("span", { class: is && kind }, num(value)),
    "",
    is ? el("a", { href }, "Look and decide") : none,
  );
}

/** The rate of a counter over the last minutes. */
function rateLine(counter) {
  const values = rates(counter);
  return sparkline(
    values,
    `Rows a second in the last ${lasting(values.length * 1000)}, at most ${pace(Math.max(0, ...values))}`,
  );
}

function sparkline(values, label) {
  if (values.length < 2) return el("span", { class: "dim" }, "measuring …");
  const most = Math.max(...values) || 1;
  const points = values.map(
    (value, nth) => `${((nth / (values.length - 1)) * 100).toFixed(1)},${(20 - (value / most) * 18).toFixed(1)}`,
  );
  return svg(
    "svg",
    { class: "spark", viewBox: "0 0 100 22", preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("polygon", { points: `0,21 ${points.join(" ")} 100,21` }),
    svg("polyline", { points: points.join(" ") }),
  );
}

/* The graph. */

let layout = { of: null, found: null };

/** The nodes upstream first. A topic that this topology writes and reads joins its parts: the sink feeds the source,
 *  unless that would close a circle. */
function joined(topology) {
  const nodes = topology.nodes.map(({ id, inputs }) => ({ id, inputs: inputs.map(nodeOf), topics: [] }));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const feeds = (id, to) => id === to || byId.get(to).inputs.some((from) => feeds(id, from));
  for (const sink of topology.nodes.filter((node) => node.kind === "sink" && node.topic)) {
    for (const source of topology.nodes.filter((node) => node.topics?.includes(sink.topic))) {
      if (feeds(source.id, sink.id)) continue;
      byId.get(source.id).inputs.push(sink.id);
      byId.get(source.id).topics.push(sink.id);
    }
  }
  const ordered = new Set();
  const visit = (node) => {
    if (ordered.has(node)) return;
    node.inputs.forEach((from) => visit(byId.get(from)));
    ordered.add(node);
  };
  nodes.forEach(visit);
  return [...ordered];
}

function graph(topology, chosen) {
  if (layout.of !== topology) layout = { of: topology, found: layered(joined(topology)) };
  const { placed, edges, layers, columns } = layout.found;
  const cell = innerWidth < 760 ? NARROW : WIDE;
  const [width, height] = [(columns - 1) * cell.wide + cell.node + 16, (layers - 1) * cell.high + cell.tall + 16];
  const at = (one) => [one.x * cell.wide + cell.node / 2 + 8, one.layer * cell.high + cell.tall / 2 + 8];
  const near = (edge) => chosen && (edge.from === chosen.id || edge.to === chosen.id);
  return svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      class: width > 900 ? "large" : width > 460 && "medium",
      role: "group",
      "aria-label": `The graph of ${topology.name}`,
    },
    edges.map((edge) => edgeShape(edge, at, near(edge), cell)),
    topology.nodes.map((node) => nodeShape(node, at(placed.get(node.id)), cell, node === chosen)),
  );
}

const rowsOf = (id) => (one) => one.rows[id];

/** A line as wide as the logarithm of the rows that run through it; broken where it goes by way of a topic. */
function edgeShape({ from, to, way, topic }, at, near, cell) {
  const flow = rate(rowsOf(topic ? from : to)) ?? 0;
  const points = way.map(at);
  const half = cell.tall / 2;
  points[0] = [points[0][0], points[0][1] + half];
  points.push([points.at(-1)[0], points.pop()[1] - half]);
  let d = `M${points[0].join(" ")}`;
  for (let nth = 1; nth < points.length; nth++) {
    const [[x0, y0], [x1, y1]] = [points[nth - 1], points[nth]];
    d += `C${x0} ${(y0 + y1) / 2} ${x1} ${(y0 + y1) / 2} ${x1} ${y1}`;
  }
  const kind = `edge${flow > 0 ? " flows" : ""}${near ? " near" : ""}${topic ? " topic" : ""}`;
  return svg("path", { d, class: kind, "stroke-width": (1.25 + Math.log10(1 + flow)).toFixed(2) });
}

function nodeShape(node, [x, y], cell, isChosen) {
  const lag = lagOf(node);
  const flow = rate(rowsOf(node.id));
  const role = node.kind === "source" || node.kind === "sink" ? node.kind : "operator";
  const name = node.id.length > cell.letters ? `${node.id.slice(0, cell.letters - 1)}…` : node.id;
  const words = `${node.kind} ${node.id}, ${pace(flow)} rows a second${lag > 0 ? `, lag ${num(lag)}` : ""}`;
  return svg(
    "a",
    {
      key: node.id,
      href: isChosen ? "#/topology" : path`#/topology/${node.id}`,
      class: `node ${role}${isChosen ? " chosen" : ""}`,
      "aria-label": words,
      transform: `translate(${x - cell.node / 2} ${y - cell.tall / 2})`,
    },
    svg("rect", { width: cell.node, height: cell.tall, rx: 7 }),
    svg("text", { x: 10, y: 19, class: "kind" }, node.kind),
    svg(
      "text",
      { x: cell.node - 10, y: 19, class: flow > 0 ? "rate" : "rate still", "text-anchor": "end" },
      flow === undefined ? "" : `${pace(flow)}/s`,
    ),
    svg("text", { x: 10, y: 37, class: "name" }, name, name !== node.id && svg("title", {}, node.id)),
    lag > 0 && lagMark(node, lag, cell),
  );
}

/** The lag beside the name where both have room, else on the border below. */
function lagMark(node, lag, cell) {
  const text = `lag ${num(lag)}`;
  const isBeside = node.id.length * 7.3 + text.length * 6 + 26 < cell.node;
  return svg(
    "text",
    { x: cell.node - 10, y: isBeside ? 37 : cell.tall + 12, class: "lag", "text-anchor": "end" },
    text,
  );
}

/** Records that wait in front of a source, or behind a key-by. */
function lagOf(node) {
  const own = inputsOf(node);
  return own.reduce((sum, input) => sum + Math.max(0, input.end - input.position), 0);
}

function inputsOf(node) {
  const inputs = (pulse()?.partitions ?? []).flatMap((task) => task.inputs);
  if (node.kind === "source") return inputs.filter((input) => node.topics.includes(input.topic) || node.pattern);
  return node.kind === "key-by" ? inputs.filter((input) => input.topic.split(".").includes(node.id)) : [];
}

/* What stands beside the graph. */

function aboutGraph(topology) {
  return [
    el("h2", {}, topology.name),
    facts([
      ["nodes", num(topology.nodes.length)],
      [
        "models",
        topology.models.length > 0
          ? topology.models.map((model) => el("a", { href: path`#/models/${model.id}` }, model.id))
          : "none",
      ],
    ]),
    el("h3", {}, "Parts and their partitions"),
    facts(topology.sub_topologies.map((part) => [part.name, count(part.partitions, "partition")])),
    el(
      "p",
      { class: "dim" },
      "Choose a node to see its columns, its rate and its records. Lines are as wide as what runs through them; broken ones go by way of a topic.",
    ),
  ];
}

function nodePanel(topology, node) {
  const topic = node.kind === "sink" ? node.topic : node.topics?.[0];
  const fed = topology.nodes.filter((other) => other.inputs.some((input) => nodeOf(input) === node.id));
  const link = (id) => el("a", { href: path`#/topology/${nodeOf(id)}` }, id);
  const list = (ids) => ids.map((id, nth) => [nth > 0 && ", ", link(id)]);
  return [
    el("div", { class: "row" }, el("h2", {}, node.id), chip("plain", node.kind)),
    el(
      "div",
      { class: "rate-box" },
      el("p", { class: "value" }, pace(rate(rowsOf(node.id))), " ", el("small", {}, "rows a second")),
      rateLine(rowsOf(node.id)),
    ),
    facts([
      ["rows in this life", num(pulse()?.rows[node.id])],
      ["from", node.inputs.length > 0 && list(node.inputs)],
      ["to", fed.length > 0 && list(fed.map((other) => other.id))],
      ["topic", node.kind === "sink" ? node.topic : node.topics?.join(", ")],
      ["pattern", node.pattern],
      ["lag", inputsOf(node).length > 0 && count(lagOf(node), "record")],
    ]),
    isKeyed(node) && el("p", {}, el("a", { href: path`#/sessions/${node.id}` }, "Sessions of this operator")),
    node.columns && [el("h3", {}, "Columns"), facts(Object.entries(node.columns))],
    topic && node.kind !== "operator" && lastRecords(topic),
  ];
}

function lastRecords(topic) {
  const found = tail(topic, 5);
  const records = found.value?.toReversed();
  return [
    el("h3", {}, "Last records"),
    !records
      ? el("p", { class: "dim" }, found.error?.message ?? "reading …")
      : records.length === 0
        ? el("p", { class: "dim" }, "The topic is empty.")
        : el(
            "ol",
            { class: "records" },
            records.map((record) =>
              el(
                "li",
                { key: `${record.partition}/${record.offset}` },
                el(
                  "details",
                  {},
                  el(
                    "summary",
                    {},
                    el("span", { class: "dim" }, `${record.partition}/${num(record.offset)} `),
                    record.key ?? record.value ?? "no value",
                  ),
                  el("pre", {}, record.value === null ? "no value" : pretty(record.value)),
                ),
              ),
            ),
          ),
  ];
}
