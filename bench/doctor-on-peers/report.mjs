import { PEERS } from './peers.mjs'

const inCell = (text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')
const row = (cells) => `| ${cells.join(' | ')} |`

function table(head, rows) {
  return [row(head), `|${'---|'.repeat(head.length)}`, ...rows.map(row)].join('\n')
}

/** Ids of the findings of one level, each once. */
function idsOf({ findings }, level) {
  return [...new Set(findings.filter((each) => each.level === level).map(({ id }) => id))]
}

function summaryOf(run) {
  const failed = idsOf(run, 'failed')
  const warned = idsOf(run, 'warning').filter((id) => !failed.includes(id))
  const parts = [
    ...(failed.length === 0 ? [] : [`fails ${failed.join(', ')}`]),
    ...(warned.length === 0 ? [] : [`warns ${warned.join(', ')}`]),
  ]
  return parts.length === 0 ? 'nothing' : parts.join('; ')
}

function clientsOf(names, all) {
  if (names.length === all.length) return 'all'
  return names.length === 0 ? 'none' : names.join(', ')
}

function versionsOf({ packages }) {
  return Object.entries(packages)
    .map(([name, version]) => `\`${name}\` ${version}`)
    .join(', ')
}

function overviewOf({ peers }) {
  return table(
    ['Peer', 'Version', 'Node.js', 'Without signing in', 'With `--active`'],
    peers.map((peer) => [
      peer.name,
      versionsOf(peer),
      peer.node,
      summaryOf(peer.passive),
      summaryOf(peer.active),
    ]),
  )
}

/** Findings of both runs, each once, with the run that it needs. */
function findingsOf({ passive, active }) {
  const key = ({ id, reason }) => `${id} ${reason}`
  const seen = new Set(passive.findings.map(key))
  const more = active.findings.filter((finding) => !seen.has(key(finding)))
  const number = ({ id }) => Number(id.slice(3))
  return [
    ...passive.findings.map((finding) => ({ ...finding, needs: '' })),
    ...more.map((finding) => ({ ...finding, needs: '`--active`' })),
  ].sort((one, other) => number(one) - number(other))
}

function sectionOf(peer, allClients) {
  const { configuration, otherwise } = PEERS.find(({ id }) => id === peer.id)
  const findings = findingsOf(peer)
  const skipped = peer.active.skipped.map(({ id, reason }) => `${id} (${inCell(reason)})`)
  const { clientsLeft } = peer.active
  return [
    `### ${peer.name}`,
    configuration,
    findings.length === 0
      ? 'The doctor found nothing.'
      : table(
          ['Check', 'Says', 'What it found', 'Clients', 'Seen with'],
          findings.map(({ id, level, reason, clients, needs }) => [
            id,
            level === 'failed' ? 'fails' : 'warns',
            inCell(reason),
            clientsOf(clients, allClients),
            needs,
          ]),
        ),
    `Not made: ${skipped.join('; ')}.`,
    ...(clientsLeft === 0
      ? []
      : [`The ${clientsLeft} clients that it registered cannot be removed from outside.`]),
    otherwise,
  ].join('\n\n')
}

/** Puts the tables of a run between their markers in the page. */
export function writeTables(page, results) {
  const parts = {
    date: `Run on ${results.date} with the doctor of this repository.`,
    overview: overviewOf(results),
    details: results.peers.map((peer) => sectionOf(peer, results.clients)).join('\n\n'),
  }
  return Object.entries(parts).reduce((text, [name, part]) => {
    const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`]
    const [before, rest] = text.split(start)
    const [, after] = (rest ?? '').split(end)
    if (after === undefined) throw new Error(`the page has no place for ${name}`)
    return `${before}${start}\n\n${part}\n\n${end}${after}`
  }, page)
}
