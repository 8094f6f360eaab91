/* ---- where the nodes of a graph go: layers downstream (longest path), neighbours near each other (barycentres,
        Sugiyama, Tagawa, Toda 1981), edges over several layers by way of empty places ---- */

/** `nodes`: `[{id, inputs: [id], topics: [id]}]` upstream first; `topics` are those inputs that come by way of a topic.
 *  Gives places by id and edges as lists of points, in columns and
 *  layers; the columns are fractions. */
function layered(nodes) {
  const layer = layersOf(nodes);
  const layers = [];
  const placed = new Map();
  const add = (id, at) => {
    const one = { id, layer: at, up: [], down: [], x: 0 };
    (layers[at] ??= []).push(one);
    placed.set(id, one);
    return one;
  };
  for (const { id } of nodes) add(id, layer.get(id));
  const edges = [];
  for (const { id, inputs, topics } of nodes) {
    for (const from of inputs) {
      const way = [placed.get(from)];
      for (let at = layer.get(from) + 1; at < layer.get(id); at++) way.push(add(`${from} ${id} ${at}`, at));
      way.push(placed.get(id));
      for (let nth = 1; nth < way.length; nth++) {
        way[nth - 1].down.push(way[nth]);
        way[nth].up.push(way[nth - 1]);
      }
      edges.push({ from, to: id, way, topic: topics.includes(from) });
    }
  }
  arrange(layers);
  return { placed, edges, layers: layers.length, columns: columnsOf(layers) };
}

/** What nothing feeds stands just above what it feeds. */
function layersOf(nodes) {
  const layer = new Map();
  for (const { id, inputs } of nodes) layer.set(id, Math.max(-1, ...inputs.map((from) => layer.get(from) ?? 0)) + 1);
  for (const { id, inputs } of nodes) {
    if (inputs.length > 0) continue;
    const fed = nodes.filter((node) => node.inputs.includes(id)).map((node) => layer.get(node.id));
    if (fed.length > 0) layer.set(id, Math.min(...fed) - 1);
  }
  return layer;
}

/** Orders each layer by its neighbours' middles, downwards and upwards in turn, and keeps the order with the fewest
 *  crossings; then moves all as near to their neighbours as that order allows. */
function arrange(layers) {
  for (const layer of layers)
    layer.forEach((one, nth) => {
      one.x = nth;
    });
  let best = { count: crossings(layers), order: layers.map((layer) => [...layer]) };
  sweep(
    layers,
    (layer) =>
      layer
        .sort((a, b) => a.wish - b.wish || a.x - b.x)
        .forEach((one, nth) => {
          one.x = nth;
        }),
    () => {
      const found = crossings(layers);
      if (found < best.count) best = { count: found, order: layers.map((layer) => [...layer]) };
    },
  );
  best.order.forEach((order, nth) => {
    layers[nth] = order;
  });
  for (const layer of layers)
    layer.forEach((one, nth) => {
      one.x = nth;
    });
  sweep(
    layers,
    (layer) => {
      let least = -Infinity;
      for (const one of layer) least = (one.x = Math.max(one.wish, least)) + 1;
      const off = layer.reduce((sum, one) => sum + one.x - one.wish, 0) / layer.length;
      for (const one of layer) one.x -= off;
    },
    () => {},
  );
}

function sweep(layers, place, after) {
  const middle = (near, x) => (near.length === 0 ? x : near.reduce((sum, one) => sum + one.x, 0) / near.length);
  for (let round = 0; round < 12; round++) {
    const down = round % 2 === 0;
    for (const layer of down ? layers : layers.toReversed()) {
      for (const one of layer) one.wish = middle(down ? one.up : one.down, one.x);
      place(layer);
    }
    after();
  }
}

function crossings(layers) {
  let count = 0;
  for (const layer of layers) {
    const edges = layer.flatMap((one) => one.down.map((to) => [one.x, to.x]));
    edges.forEach((a, nth) => {
      count += edges.slice(nth + 1).filter((b) => (a[0] - b[0]) * (a[1] - b[1]) < 0).length;
    });
  }
  return count;
}

/** Moves the leftmost to 0; gives how many columns there are. */
function columnsOf(layers) {
  const all = layers.flat();
  const least = Math.min(...all.map((one) => one.x));
  for (const one of all) one.x -= least;
  return Math.max(...all.map((one) => one.x)) + 1;
}
