/* ---- partitions: how far each task is, and who holds back its time ---- */

const TASK = [
  "name",
  "lag",
  "watermark",
  "ended",
  "held_back_by",
  "held",
  "sessions",
  "state_bytes",
  "restoring",
  "parked",
  "inputs",
];

function partitionsView() {
  const tasks = pulse()?.partitions;
  if (!tasks) return empty(pulse()?.trouble ? "The log does not answer." : "Asking …", pulse()?.trouble ?? "");
  if (tasks.length === 0)
    return empty("No task runs here.", "They come when the group of nodes gives this one its partitions.");
  const ahead = Math.max(...tasks.map((task) => task.watermark ?? -Infinity));
  const most = Math.max(1, ...tasks.map((task) => task.lag));
  const heads = [
    ["task"],
    ["lag", "n"],
    ["watermark"],
    ["behind", "n"],
    ["held back by"],
    ["rows held", "n"],
    ["sessions", "n"],
    ["state", "n"],
    ["state of affairs"],
  ];
  const row = (task) => ({
    key: task.name,
    cells: [
      el("strong", { class: "mono" }, task.name),
      bar(task.lag / most, task.lag > 0 ? "flows" : "", num(task.lag)),
      task.ended ? "ended" : moment(task.watermark),
      task.watermark === null
        ? "–"
        : task.watermark === ahead
          ? el("span", { class: "dim" }, "first")
          : lasting(ahead - task.watermark),
      task.held_back_by ? el("span", { class: "mono" }, task.held_back_by) : el("span", { class: "dim" }, "–"),
      num(task.held),
      num(task.sessions),
      bytes(task.state_bytes),
      [affairs(task), more(task, TASK)],
    ],
  });
  return [
    panel("Tasks", table("Tasks and how far they are", heads, tasks.map(row))),
    panel("Inputs", inputsTable(tasks)),
    nodesPanel(),
  ];
}

function affairs(task) {
  if (task.parked) return parkedBox(task);
  if (!task.restoring) return [dot("good"), " runs"];
  const { done, total, per_s, left_s } = task.restoring;
  return bar(
    done / Math.max(1, total),
    "flows",
    `restores ${num(done)} of ${num(total)}, ${num(per_s)}/s${left_s === null ? "" : `, ${lasting(left_s * 1000)} left`}`,
  );
}

/** A task that failed too often is left out until its time comes, or somebody says so. */
function parkedBox({ name, parked: { since_ms, retry_ms, reason } }) {
  const retry = () => act("POST", path`/v1/partitions/${name}/retry`, undefined, () => `${name} is tried again.`);
  return el(
    "div",
    {},
    el(
      "div",
      { class: "row" },
      chip("bad", "parked"),
      el("span", { class: "dim" }, "since ", moment(since_ms), ", again at ", moment(retry_ms)),
      button("Retry now", retry),
    ),
    el("p", {}, reason),
  );
}

function inputsTable(tasks) {
  const inputs = tasks.flatMap((task) => task.inputs.map((input) => ({ task: task.name, ...input })));
  if (inputs.length === 0) return empty("Nothing has been read yet.");
  const flow = ({ topic, partition }) =>
    rate(
      (one) =>
        (one.partitions ?? [])
          .flatMap((task) => task.inputs)
          .find((input) => input.topic === topic && input.partition === partition)?.position,
    );
  return table(
    "Inputs of the tasks",
    [["topic"], ["partition", "n"], ["task"], ["position", "n"], ["end", "n"], ["lag", "n"], ["a second", "n"]],
    inputs.map((input) => ({
      key: `${input.task} ${input.topic} ${input.partition}`,
      cells: [
        el("span", { class: "mono" }, input.topic),
        input.partition,
        el("span", { class: "mono" }, input.task),
        num(input.position),
        num(input.end),
        num(Math.max(0, input.end - input.position)),
        pace(flow(input)),
      ],
    })),
  );
}

function nodesPanel() {
  const { value: nodes } = want("/v1/nodes");
  if (!nodes) return null;
  return panel(
    "Nodes",
    table(
      "Nodes that run the topology",
      [["node"], ["state"], ["version"], ["address"], ["since"], ["lag", "n"], ["tasks"]],
      nodes.map((node) => ({
        key: node.node,
        cells: [
          el("strong", { class: "mono" }, node.node),
          [dot(node.state === "live" ? "good" : "bad"), ` ${node.state}`],
          node.version,
          node.listen ?? "–",
          moment(node.started_ms),
          num(node.lag),
          node.tasks.map((task) => task.name).join(", "),
        ],
      })),
    ),
  );
}
