/* ---- supervision: who starts whom again, and how often that was needed ---- */

const STATES = {
  running: "good",
  starting: "idle",
  waiting: "idle",
  backoff: "bad",
  stopping: "warn",
  ended: "idle",
  parked: "bad",
};

function treeView() {
  const { value: tree, error } = want("/v1/tree");
  if (!tree) return error ? empty("There is no tree yet.", error.message) : empty("Asking …");
  const all = flat(tree);
  const restarts = all.reduce((sum, one) => sum + (one.generation ?? 0), 0);
  const off = all.filter((one) => one.state === "backoff" || one.state === "parked");
  return [
    el(
      "p",
      { class: "lead" },
      dot(off.length > 0 ? "bad" : "good"),
      ` ${count(all.length, "actor")}, ${count(restarts, "restart")}`,
      off.length > 0 && [", ", el("strong", {}, `${num(off.length)} down: ${off.map((one) => one.name).join(", ")}`)],
    ),
    panel(null, el("ul", { class: "branches" }, branch(tree))),
    el(
      "p",
      { class: "dim" },
      "A supervisor that spends its budget of restarts fails itself, and the one above decides. Events tell each restart with its reason.",
    ),
  ];
}

function flat(tree) {
  return [tree, ...tree.children.flatMap(flat)];
}

function branch(node) {
  const known = ["name", "kind", "state", "generation", "last_exit", "strategy", "budget", "children"];
  const { budget } = node;
  return el(
    "li",
    { key: node.name },
    el(
      "div",
      { class: "actor" },
      dot(STATES[node.state] ?? "idle"),
      el("span", { class: "name" }, node.name),
      node.kind !== node.name && el("span", { class: "dim" }, node.kind),
      node.strategy && chip("plain", node.strategy.replaceAll("_", " ")),
      node.state !== "running" && chip(STATES[node.state] ?? "idle", node.state),
      node.generation > 0 && chip("warn", count(node.generation, "restart")),
      budget?.spent > 0 && el("span", { class: "dim" }, spentText(budget)),
      node.last_exit && el("span", { class: "exit" }, exitText(node.last_exit)),
      more(node, known),
    ),
    node.children.length > 0 && el("ul", {}, node.children.map(branch)),
  );
}

function spentText({ spent, left, within_ms }) {
  const budget = left === null ? "no limit" : `${num(left)} left`;
  return `${count(spent, "restart")} of its children within ${lasting(within_ms)}, ${budget}`;
}

/** How an actor last ended, in one line. */
function exitText({ cause, reason, remedy }) {
  return `${cause}: ${reason}${remedy ? ` (${remedy})` : ""}`;
}
