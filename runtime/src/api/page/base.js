// The page of a Thalweg daemon. Views are functions from what is known to elements; `paint` makes the document so.
// Everything shown and done is an HTTP call of docs/http.md.
"use strict";

/* ---- elements ---- */

const SVG = "http://www.w3.org/2000/svg";

/** An element. Children are elements, text (always a text node: what records and keys say is never markup), or
 *  nothing. A property that is a function is a listener; `key` says which element it is among its siblings. */
function el(tag, props, ...children) {
  return build(document.createElement(tag), props, children);
}

function svg(tag, props, ...children) {
  return build(document.createElementNS(SVG, tag), props, children);
}

function build(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") node[name] = value;
    else if (name === "key") node.morphKey = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(9)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

const LISTENERS = ["onclick", "onsubmit", "oninput", "onchange"];

/** Makes `old` like `made` and keeps what is the user's: focus, what is typed, what is opened. */
function morph(old, made) {
  if (old.nodeType !== made.nodeType || old.nodeName !== made.nodeName || old.morphKey !== made.morphKey) {
    old.replaceWith(made);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== made.data) old.data = made.data;
    return;
  }
  const kept = old.nodeName === "DETAILS" ? ["open"] : [];
  for (const { name } of [...old.attributes]) {
    if (!made.hasAttribute(name) && !kept.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...made.attributes]) {
    if (old.getAttribute(name) !== value && !kept.includes(name)) old.setAttribute(name, value);
  }
  for (const name of LISTENERS) old[name] = made[name];
  if (old.nodeName !== "TEXTAREA") morphChildren(old, [...made.childNodes]);
}

function morphChildren(parent, made) {
  const byKey = new Map();
  for (const child of parent.childNodes) if (child.morphKey !== undefined) byKey.set(child.morphKey, child);
  let at = parent.firstChild;
  for (const node of made) {
    const same = node.morphKey === undefined ? undefined : byKey.get(node.morphKey);
    if (same && same !== at) parent.insertBefore(same, at);
    const old = same ?? at;
    if (!old || (!same && old.morphKey !== undefined)) {
      parent.insertBefore(node, at);
      continue;
    }
    at = old.nextSibling;
    morph(old, node);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/* ---- words and numbers ---- */

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const ONE = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

function num(value) {
  if (value === null || value === undefined) return "–";
  return Math.abs(value) >= 1e7 ? SHORT.format(value) : WHOLE.format(value);
}

/** A rate: rows a second. */
function pace(value) {
  if (value === undefined) return "–";
  return value > 0 && value < 10 ? ONE.format(value) : num(value);
}

function real(value) {
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return num(value);
  const size = Math.abs(value);
  return size >= 100 ? ONE.format(value) : size >= 0.001 ? value.toFixed(4) : value.toExponential(2);
}

function bytes(value) {
  for (const unit of ["B", "KiB", "MiB"]) {
    if (value < 1024) return `${unit === "B" || value >= 100 ? num(value) : ONE.format(value)} ${unit}`;
    value /= 1024;
  }
  return `${ONE.format(value)} GiB`;
}

function lasting(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 60) return `${s < 10 ? ONE.format(s) : Math.round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${num(s / 86400)} days`;
}

/** A moment as people read it: the day only if it is not today. */
function moment(ms) {
  if (ms === null || ms === undefined) return "–";
  const at = new Date(Number(ms));
  if (Number.isNaN(at.getTime())) return String(ms);
  const [day, time] = [at.toLocaleDateString("sv-SE"), at.toLocaleTimeString("en-GB")];
  const text = day === new Date().toLocaleDateString("sv-SE") ? time : `${day} ${time}`;
  return el("time", { datetime: at.toISOString(), title: at.toISOString() }, text);
}

function count(many, one, more = `${one}s`) {
  return `${num(many)} ${many === 1 ? one : more}`;
}

/* ---- pieces that views share ---- */

function panel(title, ...children) {
  return el("section", { class: "panel" }, title && el("h2", {}, title), children);
}

function empty(title, ...help) {
  return el("div", { class: "empty" }, el("p", {}, el("strong", {}, title)), help.length > 0 && el("p", {}, help));
}

function chip(kind, ...text) {
  return el("span", { class: `chip ${kind}` }, text);
}

function dot(kind) {
  return el("span", { class: `dot ${kind}`, "aria-hidden": "true" });
}

function button(text, onclick, props) {
  return el("button", { type: "button", onclick, ...props }, text);
}

/** A table of rows `{key, cells}`; narrow screens show each row as a card with the heads beside the cells. */
function table(caption, heads, rows) {
  const head = ([text, kind]) => el("th", { scope: "col", class: kind }, text);
  const cell = (content, nth) => {
    const [text, kind] = heads[nth];
    return el("td", { class: kind, "data-head": text }, el("div", {}, content));
  };
  return el(
    "div",
    { class: "table" },
    el(
      "table",
      {},
      el("caption", { class: "unseen" }, caption),
      el("thead", {}, el("tr", {}, heads.map(head))),
      el(
        "tbody",
        {},
        rows.map(({ key, cells, kind }) => el("tr", { key, class: kind }, cells.map(cell))),
      ),
    ),
  );
}

/** Names and values. */
function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== null && value !== false && value !== "");
  return el(
    "dl",
    { class: "facts" },
    shown.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );
}

/** A share in 0..=1 as a bar with its text. */
function bar(share, kind, text) {
  const width = Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10;
  return el(
    "span",
    { class: "bar" },
    svg(
      "svg",
      { "aria-hidden": "true", preserveAspectRatio: "none", viewBox: "0 0 100 1", class: kind },
      svg("rect", { class: "rest", width: 100, height: 1 }),
      svg("rect", { class: "share", width, height: 1 }),
    ),
    el("span", {}, text),
  );
}

/** How deep JSON is: 0 for what is no object and no array. */
function depth(value) {
  return value === null || typeof value !== "object" ? 0 : 1 + Math.max(0, ...Object.values(value).map(depth));
}

/** Any JSON: objects as names and values, arrays of flat objects as a table, what is deep or long as its own text. */
function json(value) {
  if (Array.isArray(value) && (depth(value) > 2 || value.length > 50)) {
    return el(
      "details",
      {},
      el("summary", { class: "dim" }, count(value.length, "entry", "entries")),
      el("pre", {}, JSON.stringify(value, null, 1)),
    );
  }
  if (value === null || value === undefined) return el("span", { class: "dim" }, "–");
  if (typeof value === "number") return real(value);
  if (typeof value !== "object") return String(value);
  if (
    !Array.isArray(value) &&
    depth(value) === 2 &&
    Object.values(value).every((one) => depth(one) === 1 && !Array.isArray(one))
  ) {
    return json(Object.entries(value).map(([name, one]) => ({ "": name, ...one })));
  }
  if (!Array.isArray(value)) return facts(Object.entries(value).map(([name, one]) => [name, json(one)]));
  if (value.length === 0) return el("span", { class: "dim" }, "none");
  if (value.every((one) => one && typeof one === "object" && !Array.isArray(one))) {
    const names = [...new Set(value.flatMap(Object.keys))];
    const kind = (name) =>
      value.every((one) => one[name] === null || one[name] === undefined || typeof one[name] === "number") ? "n" : "";
    const row = (one, nth) => ({ key: nth, cells: names.map((name) => json(one[name])) });
    return table(
      "",
      names.map((name) => [name, kind(name)]),
      value.map(row),
    );
  }
  return value.map((one, nth) => [nth > 0 && ", ", json(one)]);
}

/** The fields of an object that a view does not know by name: what is added to the API appears. */
function more(object, known) {
  const unknown = Object.entries(object).filter(
    ([name, value]) =>
      !known.includes(name) && value !== null && value !== false && !(Array.isArray(value) && value.length === 0),
  );
  return unknown.length === 0 ? null : facts(unknown.map(([name, value]) => [name.replaceAll("_", " "), json(value)]));
}

/** JSON text, indented if it is JSON. */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
