/** One line of a plot: points by x. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const width = 640;
const height = 360;
const margin = { left: 70, right: 20, top: 44, bottom: 44 };
const colors = ["#1f77b4", "#d62728", "#2ca02c"];
const ticks = 5;

/**
 * A plot as SVG: lines over a common x axis, both axes from 0. Nothing in it changes from one run to the next but the
 * figures, so that a difference shows.
 */
export function plot(title: string, xLabel: string, yLabel: string, lines: readonly Series[]): string {
  const all = lines.flatMap(({ points }) => points);
  const most = { x: roundUp(Math.max(1, ...all.map(({ x }) => x))), y: roundUp(Math.max(1, ...all.map(({ y }) => y))) };
  const x = (value: number): string =>
    (margin.left + (value / most.x) * (width - margin.left - margin.right)).toFixed(1);
  const y = (value: number): string =>
    (height - margin.bottom - (value / most.y) * (height - margin.top - margin.bottom)).toFixed(1);
  const marks = Array.from({ length: ticks + 1 }, (_, index) => index / ticks);
  const text = (at: string, words: string, more = ""): string => `<text ${at} ${more}>${words}</text>`;
  const grid = marks.flatMap((share) => [
    `<line x1="${x(0)}" x2="${x(most.x)}" y1="${y(most.y * share)}" y2="${y(most.y * share)}" stroke="#ddd"/>`,
    text(`x="${margin.left - 8}" y="${y(most.y * share)}" dy="4"`, told(most.y * share), 'text-anchor="end"'),
    text(`x="${x(most.x * share)}" y="${height - margin.bottom + 18}"`, told(most.x * share), 'text-anchor="middle"'),
  ]);
  const drawn = lines.flatMap(({ name, points }, index) => {
    const color = colors[index % colors.length] ?? "#000";
    const path = points.map((point) => `${x(point.x)},${y(point.y)}`).join(" ");
    return [
      `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>`,
      ...points.map((point) => `<circle cx="${x(point.x)}" cy="${y(point.y)}" r="3" fill="${color}"/>`),
      text(`x="${margin.left + 10 + index * 190}" y="36"`, name, `fill="${color}"`),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(`x="${margin.left}" y="18"`, title, 'font-size="14" font-weight="bold"'),
    ...grid,
    ...drawn,
    text(`x="${width / 2}" y="${height - 8}"`, xLabel, 'text-anchor="middle"'),
    text(`transform="translate(16 ${height / 2}) rotate(-90)"`, yLabel, 'text-anchor="middle"'),
    "</svg>",
    "",
  ].join("\n");
}

/** The next of 1, 2, 2.5, 5 and their multiples of ten, so that the ticks are short numbers. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

function told(value: number): string {
  return value >= 10 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
}
