import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DockerfileParser } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'
import { parse } from 'yaml'

/** Made by `npm install`, and committed. */
const MADE_LATER = 'package-lock.json'

/** What an image is built from has to be there, and has to get past `.dockerignore`. */
function checkImage(folder, read) {
  const dockerfile = read('Dockerfile')
  const problems = validate(dockerfile).map(({ message }) => message)
  const allowed = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1))
  for (const copy of DockerfileParser.parse(dockerfile).getCOPYs()) {
    const isFromStage = copy.getFlags().some((flag) => flag.getName() === 'from')
    if (isFromStage) continue
    const sources = copy.getArguments().map((argument) => argument.getValue())
    for (const source of sources.slice(0, -1)) {
      if (!allowed.includes(source)) problems.push(`.dockerignore keeps ${source} out`)
      if (source !== MADE_LATER && !existsSync(join(folder, source))) {
        problems.push(`${source} is copied and not there`)
      }
    }
  }
  return problems
}

/** A workflow may run the scripts of the server and no others. */
function checkWorkflow(read) {
  const { scripts } = JSON.parse(read('package.json'))
  const { jobs } = parse(read('.github/workflows/ci.yml'))
  const commands = Object.values(jobs).flatMap(({ steps }) => steps.map(({ run }) => run ?? ''))
  const named = commands.flatMap((command) => /^npm (?:run )?(\w+)$/.exec(command)?.[1] ?? [])
  const unknown = named.filter((name) => name !== 'ci' && !Object.hasOwn(scripts, name))
  return unknown.map((name) => `the workflow runs ${name}, which is no script`)
}

/** Checks the files of a server that no other step uses. */
export function checkFiles(folder) {
  const read = (path) => readFileSync(join(folder, path), 'utf8')
  const problems = [...checkImage(folder, read), ...checkWorkflow(read)]
  if (problems.length > 0) throw new Error(problems.join('\n'))
}
