/* ---- what is known of the daemon: a stream of events and pulses, and what views want besides ---- */

const HISTORY = 150;
const EVENTS = 1000;
const live = { state: "connecting", since: Date.now(), heard: 0, pulses: [], events: [], stream: null, again: null };

/** A path with its parts encoded. */
function path(parts, ...values) {
  return parts.reduce((text, part, nth) => text + encodeURIComponent(values[nth - 1]) + part);
}

function setState(state) {
  if (live.state !== state) Object.assign(live, { state, since: Date.now() });
  paint();
}

/** Opens the stream; each opening begins anew with the last events of the daemon's life, which may be another. */
function connect() {
  clearTimeout(live.again);
  live.stream?.close();
  const stream = new EventSource("/v1/events?pulse=true");
  live.stream = stream;
  stream.onopen = () => {
    live.events = [];
    known.clear();
    setState("live");
  };
  stream.onmessage = (message) => {
    live.events.push(JSON.parse(message.data));
    if (live.events.length > EVENTS) live.events.shift();
    soon();
  };
  stream.addEventListener("pulse", (message) => {
    const [pulse, last] = [JSON.parse(message.data), live.pulses.at(-1)];
    if (last && (pulse.records < last.records || pulse.epochs < last.epochs)) live.pulses = [];
    live.pulses.push(pulse);
    if (live.pulses.length > HISTORY) live.pulses.shift();
    live.heard = Date.now();
    setState("live");
  });
  stream.onerror = () => {
    stream.close();
    if (live.stream !== stream) return;
    setState("gone");
    live.again = setTimeout(connect, 2000);
  };
}

/** Nothing is asked for a page that nobody sees. */
function onVisibility() {
  if (document.hidden) {
    clearTimeout(live.again);
    live.stream?.close();
    live.stream = null;
  } else if (!live.stream) {
    connect();
    refresh();
  }
}

const pulse = () => live.pulses.at(-1);

/** Rows a second that a counter of the pulse rose by, over the last seconds. */
function rate(counter, over = 5) {
  const last = pulse();
  const first = live.pulses.findLast((one) => one.at_ms <= last.at_ms - over * 1000) ?? live.pulses[0];
  return first === undefined || first === last ? undefined : perSecond(counter, first, last);
}

function perSecond(counter, first, last) {
  return Math.max(0, (counter(last) ?? 0) - (counter(first) ?? 0)) / ((last.at_ms - first.at_ms) / 1000);
}

/** The rate of the last minutes, a value a pulse; over five pulses each, since counts come in epochs. */
function rates(counter) {
  const of = (last, nth) => perSecond(counter, live.pulses[Math.max(0, nth - 4)], last);
  return live.pulses.map(of).slice(1);
}

/* ---- asking ---- */

/** By slot: path, value, error. Those that the view on show has asked for in its last painting are `wanted`. */
const known = new Map();
const wanted = new Set();

/** What the daemon says at a path: undefined until it is known; asked again every two seconds while it is wanted.
 *  A slot keeps the last answer while its path changes. */
function want(at, slot = at) {
  const entry = known.get(slot) ?? { value: undefined, error: undefined };
  if (entry.path !== at) {
    entry.path = at;
    entry.due = true;
  }
  known.set(slot, entry);
  wanted.add(slot);
  if (entry.due && !entry.asking) ask(entry);
  return entry;
}

async function ask(entry) {
  Object.assign(entry, { due: false, asking: true });
  const asked = entry.path;
  try {
    const value = await call("GET", asked);
    if (entry.path === asked) Object.assign(entry, { value, error: undefined });
  } catch (error) {
    if (entry.path === asked) Object.assign(entry, { value: error.gone ? entry.value : undefined, error });
  }
  entry.asking = false;
  soon();
}

/** Calls the API; throws its error in its own words. */
async function call(method, at, body) {
  let response;
  try {
    response = await fetch(at, { method, body, headers: { accept: "application/json" } });
  } catch {
    throw Object.assign(new Error("the daemon does not answer"), { gone: true });
  }
  const text = await response.text();
  const said = parsed(text);
  if (response.ok) return said;
  const { message, hint } = said?.error ?? { message: text };
  throw Object.assign(new Error(message), { status: response.status, hint });
}

function refresh() {
  if (document.hidden || live.state === "gone") return;
  for (const slot of [...known.keys()]) {
    const entry = known.get(slot);
    if (!wanted.has(slot)) known.delete(slot);
    else if (!entry.asking) ask(entry);
  }
}

/** The last records of the first partition of a topic. */
function tail(topic, limit) {
  const found = want(path`/v1/topics/${topic}`);
  if (!found.value) return { error: found.error };
  const ends = found.value.partitions;
  const partition = ends.reduce(
    (best, [first, end], nth) => (end - first > ends[best][1] - ends[best][0] ? nth : best),
    0,
  );
  const [first, end] = ends[partition];
  const from = Math.max(first, end - limit);
  if (from === end) return { value: [] };
  return want(
    path`/v1/topics/${topic}/records?partition=${partition}&from=${from}&limit=${limit}`,
    `tail ${topic} ${limit}`,
  );
}

/* ---- doing ---- */

function toast(kind, text, hint) {
  const shown = el("div", { class: `toast ${kind}` }, el("p", {}, text), hint && el("p", { class: "dim" }, hint));
  document.getElementById("toasts").append(shown);
  setTimeout(() => shown.remove(), kind === "bad" ? 12000 : 6000);
}

/** Does something and says how it went. */
async function act(method, at, body, done) {
  try {
    const answer = await call(method, at, body === undefined ? undefined : JSON.stringify(body));
    toast("good", done(answer));
    refresh();
  } catch (error) {
    toast("bad", error.message, error.hint);
  }
}

/** Asks before what cannot be undone. */
function confirmed(title, text, verb, then) {
  const dialog = document.getElementById("ask");
  const close = () => dialog.close();
  dialog.replaceChildren(
    el("h2", { id: "ask-title" }, title),
    el("p", {}, text),
    el(
      "div",
      { class: "row end" },
      button("Cancel", close),
      button(
        verb,
        () => {
          close();
          then();
        },
        { class: "bad", "data-do": "confirm" },
      ),
    ),
  );
  dialog.showModal();
}
