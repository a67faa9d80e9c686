import { validate } from 'dockerfile-utils'

/** What the linter says of a Dockerfile, and the rules of this one. */
export function checkDockerfile({ dockerfile, image }) {
  const problems = validate(dockerfile).map(
    ({ range, message }) => `Dockerfile:${range.start.line + 1}: ${message}`,
  )
  if (image === undefined) return problems
  const say = (what) => problems.push(`Dockerfile: ${what}`)
  if (!/^node:\d+\.\d+\.\d+-[\w.-]+$/.test(image.image))
    say(`${image.image} is not an exact version`)
  if (!/^[1-9]\d*:[1-9]\d*$/.test(image.user ?? '')) say('USER must be numbers that are not root')
  if (image.stopSignal !== 'SIGTERM') say('STOPSIGNAL must be SIGTERM')
  if (image.entrypoint?.[0] !== 'node')
    say('ENTRYPOINT must start node itself, so that signals reach it')
  if (image.healthcheck === undefined) say('HEALTHCHECK is missing')
  for (const label of ['title', 'description', 'licenses', 'source']) {
    if (!image.labels[`org.opencontainers.image.${label}`]) say(`the label ${label} is missing`)
  }
  return problems
}
