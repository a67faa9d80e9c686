/*
 * Plots as SVG texts, without a library: bars for one number of each row, lines for growth. Colours
 * follow the reader's light or dark page; every plot names its axis and unit.
 */
const WIDTH = 760
const FONT = 13
const STYLE = `<style>
text { font: ${FONT}px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.quiet { fill: #59636e }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.axis { stroke: #59636e; stroke-width: 1 }
.floor, .base { fill: #8c959f; stroke: #8c959f }
.ours { fill: #0969da; stroke: #0969da }
.peer { fill: #bc4c00; stroke: #bc4c00 }
.line { fill: none; stroke-width: 2 }
.back { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .quiet { fill: #9198a1 }
  .grid { stroke: #3d444d }
  .axis { stroke: #9198a1 }
  .ours { fill: #4493f8; stroke: #4493f8 }
  .peer { fill: #f0883e; stroke: #f0883e }
  .back { fill: #0d1117 }
}
</style>`

const LEGEND = [
  ['floor', 'floor or bare'],
  ['ours', 'ours'],
  ['peer', 'peer'],
]

function escapeText(text) {
  return String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

function text(x, y, content, { anchor = 'start', name = '' } = {}) {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" class="${name}">${escapeText(content)}</text>`
}

function line(x1, y1, x2, y2, name) {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" class="${name}"/>`
}

function document(title, height, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeText(title)}">`,
    STYLE,
    `<rect class="back" width="${WIDTH}" height="${height}"/>`,
    text(16, 26, title, { name: 'title' }),
    ...parts,
    '</svg>\n',
  ].join('\n')
}

function legend(y) {
  let x = 16
  return LEGEND.flatMap(([role, label]) => {
    const parts = [
      `<rect class="${role}" x="${x}" y="${y - 10}" width="11" height="11"/>`,
      text(x + 17, y, label, { name: 'quiet' }),
    ]
    x += 40 + label.length * 7.5
    return parts
  })
}

/** A step of 1, 2 or 5 times a power of ten, so that an axis has about five of them. */
function stepFor(range) {
  const rough = range / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough)
}

function short(value) {
  if (value === 0) return '0'
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return Number(value.toFixed(Math.min(digits, 4))).toLocaleString('en')
}

/** Places of the marks of an axis from 0 to the largest value, or of its powers of ten. */
function createScale(values, length, isLogarithmic) {
  const positive = values.filter((value) => value > 0)
  const largest = Math.max(...positive)
  if (isLogarithmic) {
    const low = Math.floor(Math.log10(Math.min(...positive)))
    const high = Math.max(low + 1, Math.ceil(Math.log10(largest)))
    const marks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index))
    const place = (value) => (value <= 0 ? 0 : ((Math.log10(value) - low) / (high - low)) * length)
    return { marks, place }
  }
  const step = stepFor(largest)
  const end = Math.ceil(largest / step) * step
  const count = Math.round(end / step)
  const marks = Array.from({ length: count + 1 }, (_, index) => index * step)
  return { marks, place: (value) => (Math.max(0, value) / end) * length }
}

/**
 * Bars.
 *
 * @param bars - `{ label, role, value }`.
 * @param axis - what the numbers are, with their unit.
 */
export function barPlot({ title, axis, bars, isLogarithmic = false }) {
  const [left, right, row] = [360, 70, 26]
  const top = 66
  const bottom = top + bars.length * row
  const scale = createScale(
    bars.map(({ value }) => value),
    WIDTH - left - right,
    isLogarithmic,
  )
  const parts = [...legend(50)]
  for (const mark of scale.marks) {
    const x = left + scale.place(mark)
    parts.push(line(x, top, x, bottom, 'grid'))
    parts.push(text(x, bottom + 18, short(mark), { anchor: 'middle', name: 'quiet' }))
  }
  for (const [index, { label, role, value }] of bars.entries()) {
    const y = top + index * row
    const width = Math.max(1, scale.place(value))
    parts.push(text(left - 8, y + 17, label, { anchor: 'end' }))
    parts.push(`<rect class="${role}" x="${left}" y="${y + 5}" width="${width}" height="16"/>`)
    parts.push(text(left + width + 6, y + 17, short(value)))
  }
  parts.push(line(left, top, left, bottom, 'axis'))
  parts.push(text(left, bottom + 40, axis, { name: 'quiet' }))
  return document(title, bottom + 54, parts)
}

/** Moves labels apart that would lie on one another. */
function spread(labels, distance) {
  const sorted = labels.toSorted((one, other) => one.y - other.y)
  for (const [index, label] of sorted.entries()) {
    const before = sorted[index - 1]
    if (before !== undefined) label.y = Math.max(label.y, before.y + distance)
  }
  return sorted
}

const DASHES = ['', '7 4', '2 3', '10 3 2 3']

/**
 * Lines over the steps of something that grows.
 *
 * @param steps - texts below the horizontal axis.
 * @param lines - `{ label, role, values }`, a value for each step.
 */
export function linePlot({ title, xAxis, axis, steps, lines, isLogarithmic = false }) {
  const [left, right, top, height] = [84, 250, 92, 260]
  const bottom = top + height
  const width = WIDTH - left - right
  const scale = createScale(
    lines.flatMap(({ values }) => values),
    height,
    isLogarithmic,
  )
  const xOf = (index) => left + (steps.length === 1 ? 0 : (index / (steps.length - 1)) * width)
  const yOf = (value) => bottom - scale.place(value)
  const parts = [...legend(50), text(16, 78, axis, { name: 'quiet' })]
  for (const mark of scale.marks) {
    parts.push(line(left, yOf(mark), left + width, yOf(mark), 'grid'))
    parts.push(text(left - 8, yOf(mark) + 4, short(mark), { anchor: 'end', name: 'quiet' }))
  }
  for (const [index, step] of steps.entries()) {
    parts.push(text(xOf(index), bottom + 18, step, { anchor: 'middle', name: 'quiet' }))
  }
  const used = {}
  const labels = []
  for (const { label, role, values } of lines) {
    used[role] = (used[role] ?? -1) + 1
    const points = values.map((value, index) => `${xOf(index)},${yOf(value)}`).join(' ')
    const dash = DASHES[used[role] % DASHES.length]
    parts.push(
      `<polyline class="line ${role}" style="fill:none" stroke-dasharray="${dash}" points="${points}"/>`,
    )
    for (const [index, value] of values.entries()) {
      parts.push(`<circle class="${role}" cx="${xOf(index)}" cy="${yOf(value)}" r="3"/>`)
    }
    labels.push({ label, y: yOf(values.at(-1)) + 4 })
  }
  for (const { label, y } of spread(labels, FONT + 4)) {
    parts.push(text(left + width + 10, y, label))
  }
  parts.push(
    line(left, top, left, bottom, 'axis'),
    line(left, bottom, left + width, bottom, 'axis'),
  )
  parts.push(text(left + width / 2, bottom + 40, xAxis, { anchor: 'middle', name: 'quiet' }))
  const lowest = Math.max(bottom + 54, ...labels.map(({ y }) => y + 10))
  return document(title, lowest, parts)
}
