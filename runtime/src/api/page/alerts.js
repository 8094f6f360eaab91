/* ---- alerts: what somebody should look at now ---- */

/** What the daemon says of its alerts; undefined where its API has none. */
function alerts() {
  const at = want("/").value?.find((known) => known.endsWith("/alerts"));
  return at && want(at);
}

function alertsView() {
  const { value, error } = alerts() ?? {};
  if (!value) return empty(error?.message ?? "Asking …");
  const { firing, pending, recent } = value;
  const head = [["alert"], ["condition"], ["measured", "n"], ["since"], ["series"], ["what to do"]];
  const cells = (one) => [
    el("strong", { class: "mono" }, one.alert),
    el("span", { class: "mono" }, one.condition ?? "–"),
    json(one.value),
    moment(one.since_ms),
    one.series || "–",
    one.see ?? "–",
  ];
  const past = (one) => [
    moment(one.at_ms),
    chip(one.state === "firing" ? "bad" : "good", one.state),
    el("strong", { class: "mono" }, one.alert),
    one.condition ?? "–",
    json(one.value),
    one.node ?? "–",
  ];
  return [
    firing.length === 0
      ? empty(
          "No alert fires.",
          "Alerts on lag, restarts, keys in quarantine, dead letters, drift and models are there by themselves; ",
          el("code", {}, "[[alert]]"),
          " adds others.",
        )
      : panel(
          "Firing",
          table(
            "Alerts that fire",
            head,
            firing.map((one) => ({ key: one.alert, cells: cells(one) })),
          ),
        ),
    pending.length > 0 &&
      panel(
        "Soon, if it goes on",
        table(
          "Alerts whose condition holds, but not yet for long enough",
          [["alert"], ["condition"], ["measured", "n"], ["since"], ["fires after"], ["series"]],
          pending.map((one) => ({
            key: one.alert,
            cells: [
              el("strong", { class: "mono" }, one.alert),
              el("span", { class: "mono" }, one.condition),
              json(one.value),
              moment(one.since_ms),
              lasting(one.for_ms),
              one.series || "–",
            ],
          })),
        ),
      ),
    recent.length > 0 &&
      panel(
        "Lately",
        table(
          "Alerts that fired or were resolved",
          [["when"], ["what"], ["alert"], ["condition"], ["measured", "n"], ["node"]],
          recent.toReversed().map((one) => ({ key: `${one.alert} ${one.number} ${one.state}`, cells: past(one) })),
        ),
      ),
  ];
}
