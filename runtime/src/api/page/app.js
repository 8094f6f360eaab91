/* ---- the frame ---- */

const VIEWS = [
  ["topology", "Topology", topologyView, () => null],
  ["tree", "Supervision", treeView, () => null],
  ["partitions", "Partitions", partitionsView, () => pulse()?.partitions?.length],
  ["sessions", "Sessions", sessionsView, () => pulse()?.quarantined || null],
  ["models", "Models", modelsView, () => null],
  ["alerts", "Alerts", alertsView, () => alerts()?.value?.firing.length || null],
  ["events", "Events", eventsView, () => null],
  ["dead-letters", "Dead letters", lettersView, () => pulse()?.dead_letters || null],
];

/** A part of an address; as it stands where it was typed by hand and is no code. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Where the page is: `#/view/arg?name=value`. */
function place() {
  const [at, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = at.split("/").map(decoded);
  const found = VIEWS.find(([id]) => id === view) ?? VIEWS[0];
  return { id: found[0], title: found[1], view: found[2], args: rest, query: new URLSearchParams(query) };
}

let painting = null;

/** Paints once for all that changes now. */
function soon() {
  painting ??= requestAnimationFrame(paint);
}

function paint() {
  cancelAnimationFrame(painting);
  painting = null;
  const here = place();
  wanted.clear();
  const topology = want("/v1/topology").value;
  document.title = `${here.title} · ${topology?.name ?? "Thalweg"}`;
  morphChildren(document.getElementById("what"), topology ? [new Text(topology.name)] : []);
  const state = document.getElementById("state");
  state.className = `state ${stateKind()}`;
  morphChildren(state, [dot(stateKind()), new Text(stateText())]);
  morphChildren(document.getElementById("nav"), [
    el(
      "ul",
      {},
      VIEWS.filter(([id]) => id !== "alerts" || alerts()).map((view) => navItem(view, here)),
    ),
  ]);
  const main = document.getElementById("main");
  morphChildren(main, [
    el(
      "div",
      { key: here.id, class: `view ${here.id}` },
      live.state === "gone" && goneBanner(),
      el("h1", {}, here.title),
      here.view(here, topology),
    ),
  ]);
}

function navItem([id, title, , figure], here) {
  const many = figure();
  const bad = id === "sessions" || id === "alerts";
  return el(
    "li",
    {},
    el(
      "a",
      { href: `#/${id}`, "aria-current": id === here.id && "page" },
      el("span", {}, title),
      many ? el("span", { class: bad ? "figure bad" : "figure" }, num(many)) : null,
    ),
  );
}

function stateKind() {
  if (live.state !== "live" || !pulse()) return live.state === "gone" ? "bad" : "idle";
  return Date.now() - live.heard > 5000 ? "warn" : pulse().ready ? "good" : "warn";
}

function stateText() {
  if (live.state === "gone") return "gone";
  if (live.state !== "live" || !pulse()) return "connecting";
  if (Date.now() - live.heard > 5000) return "silent";
  return pulse().ready ? "live" : "not ready";
}

function goneBanner() {
  return el(
    "div",
    { class: "banner bad", role: "alert" },
    el("strong", {}, "The daemon does not answer."),
    ` What is shown is from ${new Date(live.heard || live.since).toLocaleTimeString("en-GB")}. It is asked again every two seconds; `,
    el("code", {}, "thalweg run FILE"),
    " starts it.",
  );
}

/** Another view begins at its top, and is read from its title on. */
function onHash() {
  const before = document.querySelector("#main .view")?.morphKey;
  paint();
  if (before !== undefined && before !== place().id) {
    scrollTo(0, 0);
    document.getElementById("main").focus({ preventScroll: true });
  }
  // What had the focus may be gone: a person at a keyboard goes on at the content, not at the top.
  if (document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
  // On a narrow screen the views are a line that scrolls.
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

addEventListener("hashchange", onHash);
addEventListener("resize", soon);
document.addEventListener("visibilitychange", onVisibility);
document.querySelector(".skip").onclick = (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
};
setInterval(refresh, 2000);
connect();
paint();
