/* ---- models: who answers, and how far a training is ---- */

function modelsView(here, topology) {
  const { value: models, error } = want("/v1/models");
  if (!models) return empty(error?.message ?? "Asking …");
  if (models.length === 0)
    return empty(
      "This topology has no model.",
      "A table ",
      el("code", {}, "[[model]]"),
      " and an operator of the kind ",
      el("code", {}, "infer"),
      " bring one in.",
    );
  const chosen = models.filter((model) => here.args.length === 0 || model.id === here.args[0]);
  const others =
    models.length > 1 &&
    el(
      "div",
      { class: "tabs" },
      models.map((model) =>
        el("a", { href: path`#/models/${model.id}`, "aria-current": model.id === here.args[0] && "true" }, model.id),
      ),
    );
  return [others, chosen.map((model) => modelPanels(model, topology))];
}

function modelPanels(model, topology) {
  const topics = topology && `${topology.name}.${model.id}`;
  const learns = topology?.nodes.some((node) => node.kind === "sink" && node.topic === `${topics}.events`);
  const known = ["id", "path", "version", "arms", "training", "trouble", "drift"];
  const asks = (topology?.nodes ?? []).filter((node) => node.kind === "infer");
  return el(
    "div",
    { class: "model", key: model.id },
    el(
      "section",
      { class: "panel" },
      el(
        "div",
        { class: "row" },
        el("h2", {}, model.id),
        model.version === null ? chip("warn", "not running") : chip("good", `version ${model.version} serves`),
        model.trouble && chip("bad", "in trouble"),
      ),
      model.trouble &&
        el("div", { class: "banner bad" }, el("strong", {}, "A decision cannot be carried out: "), model.trouble),
      armsBar(model),
      trainingBar(model.training),
      facts([
        ["files", model.path],
        [
          "asked by",
          asks.length > 0 &&
            asks.map((node, nth) => [nth > 0 && ", ", el("a", { href: path`#/topology/${node.id}` }, node.id)]),
        ],
      ]),
      more(model, known),
    ),
    learns
      ? [metricsPanel(topics, model.drift), storyPanel(topics)]
      : el(
          "section",
          { class: "panel" },
          empty(
            "This model does not learn.",
            "With ",
            el("code", {}, "[model.log]"),
            ", ",
            el("code", {}, "[model.labels]"),
            " and ",
            el("code", {}, "[model.retrain]"),
            " its answers meet what came true, and how well it does stands here.",
          ),
        ),
  );
}

/** A version has one colour wherever it stands. */
function colourOf(version) {
  return (version + 4) % 5;
}

/** Which version answers which share of the keys. */
function armsBar({ arms }) {
  if (!arms?.challenger) return null;
  const { champion, challenger, share } = arms;
  return el(
    "div",
    { class: "arms" },
    el(
      "div",
      { class: "row" },
      el("span", {}, `champion ${champion}: ${real((1 - share) * 100)} % of the keys`),
      el("span", {}, `challenger ${challenger}: ${real(share * 100)} %`),
    ),
    svg(
      "svg",
      { viewBox: "0 0 100 2", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { class: `fill-${colourOf(champion)}`, width: 100, height: 2 }),
      svg("rect", { class: `fill-${colourOf(challenger)}`, x: 100 - share * 100, width: share * 100, height: 2 }),
    ),
  );
}

function trainingBar(training) {
  if (!training) return null;
  const { epoch, epochs, step, steps } = training;
  const share = epochs ? (epoch - 1 + step / Math.max(1, steps)) / epochs : 0;
  return el(
    "div",
    { class: "training" },
    el("h3", {}, "A new version is in training"),
    bar(share, "flows", epochs ? `epoch ${epoch} of at most ${epochs}` : ""),
    more(training, ["epoch", "epochs", "step", "steps"]),
  );
}
