import { readFileSync } from 'node:fs'

/** What compose.yaml tells Node.js of the memory. */
export function heapOfCompose(): string {
  const text = readFileSync(new URL('../../deploy/compose.yaml', import.meta.url), 'utf8')
  const options = /NODE_OPTIONS: \$\{NODE_OPTIONS:-(.*)\}/.exec(text)?.[1]
  if (options === undefined) throw new Error('compose.yaml says nothing of the memory of Node.js')
  return options
}
