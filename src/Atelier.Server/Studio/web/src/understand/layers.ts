import type { Graph } from "../lib/explain";

export interface Place {
  name: string;
  x: number;
  y: number;
  width: number;
}

export interface Drawing {
  width: number;
  height: number;
  places: Place[];
  /** The paths of the edges, with a width that follows from their strength. */
  paths: { d: string; width: number; parent: number; child: number }[];
}

const ROW = 92;
const GAP = 26;
const MARGIN = 14;
const SWEEPS = 8;
export const NODE_HEIGHT = 34;

/**
 * Lays out an acyclic graph: each node one layer below its lowest parent, and within a layer near its neighbours (the
 * barycentre method of Sugiyama et al. 1981).
 */
export function draw(graph: Graph): Drawing {
  const count = graph.nodes.length;
  const parents: number[][] = Array.from({ length: count }, () => []);
  const children: number[][] = Array.from({ length: count }, () => []);
  for (const { parent, child } of graph.edges) {
    parents[child]?.push(parent);
    children[parent]?.push(child);
  }
  const depth = new Map<number, number>();
  const depthOf = (node: number): number => {
    const known = depth.get(node);
    if (known !== undefined) return known;
    const found = Math.max(-1, ...(parents[node] ?? []).map(depthOf)) + 1;
    depth.set(node, found);
    return found;
  };
  const layers: number[][] = [];
  for (let node = 0; node < count; node++) (layers[depthOf(node)] ??= []).push(node);
  const order = Array.from({ length: count }, () => 0);
  const rank = (): void => layers.forEach((layer) => layer.forEach((node, i) => (order[node] = i / layer.length)));
  rank();
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const near = sweep % 2 === 0 ? parents : children;
    const middle = (node: number): number => {
      const others = near[node] ?? [];
      if (others.length === 0) return order[node] ?? 0;
      return others.reduce((sum, other) => sum + (order[other] ?? 0), 0) / others.length;
    };
    layers.forEach((layer) => layer.sort((a, b) => middle(a) - middle(b)));
    rank();
  }
  const widths = graph.nodes.map((name) => Math.max(44, 9 * [...name].length + 22));
  const spans = layers.map((layer) => layer.reduce((sum, node) => sum + (widths[node] ?? 0) + GAP, -GAP));
  const width = Math.max(...spans, 0) + 2 * MARGIN;
  const places: Place[] = [];
  layers.forEach((layer, level) => {
    let x = (width - (spans[level] ?? 0)) / 2;
    for (const node of layer) {
      const own = widths[node] ?? 0;
      places[node] = { name: graph.nodes[node] ?? "", x, y: MARGIN + level * ROW, width: own };
      x += own + GAP;
    }
  });
  const most = Math.max(1e-9, ...graph.edges.map((edge) => edge.strength));
  const paths = graph.edges.flatMap(({ parent, child, strength }) => {
    const [from, to] = [places[parent], places[child]];
    if (!from || !to) return [];
    const [x1, y1, x2, y2] = [from.x + from.width / 2, from.y + NODE_HEIGHT, to.x + to.width / 2, to.y - 7];
    const bend = (y2 - y1) / 2;
    const d = `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`;
    return [{ d, width: 1 + 3 * Math.sqrt(strength / most), parent, child }];
  });
  return { width, height: 2 * MARGIN + (layers.length - 1) * ROW + NODE_HEIGHT, places, paths };
}
