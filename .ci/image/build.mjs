// Carries out the stages of a Dockerfile without a container engine.
import { once } from 'node:events'
import { chownSync, cpSync, existsSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { makeRoot, spawnIn } from './sandbox.mjs'

/** Files and folders of the context that a pattern of COPY names, without those that are ignored. */
function expandSource(context, source, ignore) {
  if (!/[*?]/.test(source)) return [source]
  const folder = dirname(source)
  const name = new RegExp(
    `^${source.split('/').at(-1).replace(/\./g, '\\.').replace(/\*/g, '.*')}$`,
  )
  return readdirSync(join(context, folder))
    .filter((each) => name.test(each) && !ignore.ignores(join(folder, each)))
    .map((each) => join(folder, each))
}

function chownAll(path, owner) {
  if (owner === undefined) return
  const [uid, gid = uid] = owner.split(':').map(Number)
  chownSync(path, uid, gid)
  if (!lstatSync(path).isDirectory()) return
  for (const name of readdirSync(path)) chownAll(join(path, name), owner)
}

function copy(stage, step, { context, ignore, roots }) {
  const from = step.from === undefined ? context : roots.get(step.from)
  if (from === undefined) throw new Error(`COPY --from=${step.from}: there is no such stage`)
  const inContext = step.from === undefined
  const sources = step.sources.flatMap((source) =>
    inContext ? expandSource(context, source, ignore) : [source.replace(/^\//, '')],
  )
  const place = step.target.startsWith('/') ? step.target : join(step.workdir, step.target)
  const target = join(stage.root, place)
  const intoFolder = step.target.endsWith('/') || sources.length > 1
  if (sources.length > 1 && !step.target.endsWith('/')) {
    throw new Error(`COPY of several sources needs a target that ends in /: ${step.target}`)
  }
  for (const source of sources) {
    const path = join(from, source)
    const hidden = inContext && ignore.ignores(source) && !ignore.mayHoldExceptions(source)
    if (hidden || !existsSync(path)) throw new Error(`COPY ${source}: it is not in the context`)
    const isFolder = statSync(path).isDirectory()
    const end = intoFolder && !isFolder ? join(target, source.split('/').at(-1)) : target
    mkdirSync(isFolder ? end : dirname(end), { recursive: true })
    cpSync(path, end, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (each) => {
        if (!inContext) return true
        const name = relative(context, each)
        return (
          !ignore.ignores(name) || (lstatSync(each).isDirectory() && ignore.mayHoldExceptions(name))
        )
      },
    })
    chownAll(end, step.chown)
  }
}

async function run(stage, step, { node, cache, npmEnv }) {
  const child = spawnIn(stage.root, {
    command: ['/bin/sh', '-c', step.command],
    env: { HOME: '/root', TURBO_CACHE_DIR: BUILT, ...npmEnv, ...step.env },
    workdir: step.workdir,
    node,
    cache,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`RUN ended with ${code}: ${step.command}`)
}

/** Where what turbo has built of the same sources stands in a stage, beside what becomes the image. */
const BUILT = '/var/cache/turbo'

/**
 * Builds all stages, each in a folder of its own below `folder`, and returns the last one with its `root`.
 * Without a sandbox nothing can be run; COPY alone needs none. Turbo takes from its cache what was built
 * of the same files here: a file that the image lacks is another input, and is built anew.
 */
export async function buildImage(stages, { folder, context, ignore, node, cache, npmEnv, log }) {
  const built = join(context, '.turbo/cache')
  const roots = new Map()
  for (const [index, stage] of stages.entries()) {
    stage.root = join(folder, String(index))
    mkdirSync(stage.root, { recursive: true })
    makeRoot(stage.root)
    if (existsSync(built)) cpSync(built, join(stage.root, BUILT), { recursive: true })
    for (const step of stage.steps) {
      log(`[${stage.name}] ${step.kind} ${step.command ?? step.path ?? step.sources.join(' ')}`)
      if (step.kind === 'folder') mkdirSync(join(stage.root, step.path), { recursive: true })
      else if (step.kind === 'copy') copy(stage, step, { context, ignore, roots })
      else await run(stage, step, { node, cache, npmEnv })
    }
    roots.set(stage.name, stage.root)
  }
  return stages.at(-1)
}
