import { readFileSync } from 'node:fs'
import { DockerfileParser } from 'dockerfile-ast'

const basePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

function expand(text, variables) {
  return text.replace(/\$\{(\w+)\}|\$(\w+)/g, (_, braced, plain) => {
    const value = variables[braced ?? plain]
    if (value === undefined) throw new Error(`$${braced ?? plain} is not set in the Dockerfile`)
    return value
  })
}

/** JSON form of an instruction such as ENTRYPOINT; the shell form keeps signals from the process. */
function commandOf(instruction) {
  const words = instruction.getJSONStrings().map((each) => each.getJSONValue())
  if (words.length === 0) throw new Error(`${instruction.getKeyword()} must be in JSON form`)
  return words
}

function flagsOf(instruction, known) {
  return Object.fromEntries(
    instruction.getFlags().map((flag) => {
      if (!known.includes(flag.getName())) {
        throw new Error(`${instruction.getKeyword()} --${flag.getName()} is not understood here`)
      }
      return [flag.getName(), flag.getValue()]
    }),
  )
}

const readers = {
  ENV(stage, instruction) {
    for (const property of instruction.getProperties()) {
      stage.env[property.getName()] = expand(property.getValue(), stage.env)
    }
  },
  LABEL(stage, instruction) {
    for (const property of instruction.getProperties()) {
      stage.labels[property.getName()] = property.getValue()
    }
  },
  WORKDIR(stage, instruction) {
    stage.workdir = instruction.getArgumentsContent()
    stage.steps.push({ kind: 'folder', path: stage.workdir })
  },
  COPY(stage, instruction) {
    const flags = flagsOf(instruction, ['from', 'chown'])
    const paths = instruction.getArguments().map((each) => each.getValue())
    const target = paths.pop()
    const { workdir } = stage
    stage.steps.push({ kind: 'copy', ...flags, sources: paths, target, workdir })
  },
  RUN(stage, instruction) {
    flagsOf(instruction, [])
    const { workdir, env } = stage
    const command = instruction.getArgumentsContent()
    stage.steps.push({ kind: 'run', command, workdir, env: { ...env } })
  },
  VOLUME(stage, instruction) {
    stage.volumes.push(...commandOf(instruction))
  },
  EXPOSE(stage, instruction) {
    stage.ports.push(...instruction.getArguments().map((each) => Number(each.getValue())))
  },
  USER(stage, instruction) {
    stage.user = instruction.getArgumentsContent()
  },
  STOPSIGNAL(stage, instruction) {
    stage.stopSignal = instruction.getArgumentsContent()
  },
  HEALTHCHECK(stage, instruction) {
    const flags = flagsOf(instruction, ['interval', 'timeout', 'start-period', 'retries'])
    const [kind] = instruction.getArguments()
    if (kind?.getValue() !== 'CMD') throw new Error('HEALTHCHECK must be a CMD')
    const json = instruction.getRawArgumentsContent().replace(/^[\s\S]*?CMD\s+/, '')
    stage.healthcheck = { ...flags, command: JSON.parse(json) }
  },
  ENTRYPOINT(stage, instruction) {
    stage.entrypoint = commandOf(instruction)
  },
}

/** Reads a Dockerfile into stages with their steps. Refuses what it does not understand. */
export function parseDockerfile(text) {
  const arguments_ = { BUILDPLATFORM: 'linux' }
  const stages = []
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const keyword = instruction.getKeyword()
    const stage = stages.at(-1)
    if (keyword === 'ARG' && stage === undefined) {
      const property = instruction.getProperty()
      arguments_[property.getName()] = property.getValue()
    } else if (keyword === 'FROM') {
      const { platform } = flagsOf(instruction, ['platform'])
      if (platform !== undefined) expand(platform, arguments_)
      stages.push({
        name: instruction.getBuildStage() ?? String(stages.length),
        image: expand(instruction.getImage(), arguments_),
        env: { PATH: basePath },
        labels: {},
        volumes: [],
        ports: [],
        workdir: '/',
        steps: [],
      })
    } else {
      const read = readers[keyword]
      if (stage === undefined || read === undefined) {
        throw new Error(`${keyword} is not understood here`)
      }
      read(stage, instruction)
    }
  }
  if (stages.length === 0) throw new Error('the Dockerfile has no FROM')
  return stages
}

export const readDockerfile = (path) => parseDockerfile(readFileSync(path, 'utf8'))
