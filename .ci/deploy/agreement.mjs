// Whether the files of a deployment agree with each other and with the defaults of the server.
import { versionIn, versionPlaces } from './set-version.mjs'

const seconds = (text) => Number(/^(\d+)s?$/.exec(String(text))?.[1])

/** Variables that are set somewhere, with the place. */
function namedVariables({ compose, composeSettings, manifests, unit, image }) {
  const configMap = manifests.find(({ value }) => value.kind === 'ConfigMap').value
  const inUnit = unit
    .filter(({ name }) => name === 'Environment')
    .flatMap(({ value }) => value.split(' ').map((each) => each.split('=')))
  // What compose.yaml reads for itself, from the same file of settings.
  const ofCompose = new Set(
    [...JSON.stringify(compose).matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name),
  )
  return {
    ofCompose,
    places: {
      'compose.yaml': Object.entries(compose.services['coda-mcp'].environment),
      'compose.env.example': [...composeSettings].filter(
        ([name]) => !ofCompose.has(name) && name !== 'COMPOSE_PROFILES',
      ),
      'config-map.yaml': Object.entries(configMap.data),
      'coda-mcp.service': inUnit,
      Dockerfile: Object.entries(image.env).filter(([name]) => name !== 'PATH'),
    },
  }
}

function checkVariables(deployment, say) {
  const { variables, composeSettings } = deployment
  const { ofCompose, places } = namedVariables(deployment)
  for (const [place, entries] of Object.entries(places)) {
    for (const [name] of entries) {
      // Node.js itself reads it.
      if (name === 'NODE_OPTIONS') continue
      const plain = name.replace(/_FILE$/, '')
      if (!variables.has(plain)) say(place, `${name} is not a variable of the server`)
      else if (plain !== name && !variables.get(plain).file) say(place, `${plain} cannot be a file`)
    }
  }
  for (const name of ofCompose) {
    const described = composeSettings.has(name) || variables.has(name)
    // Of use to who has more than one of everything.
    if (!described && name !== 'LOCAL_PORT') say('compose.env.example', `${name} is not described`)
  }
}

function checkPorts({ compose, manifests, image, unit, variables, composeText }, say) {
  const port = Number(variables.get('PORT').fallback)
  const metrics = Number(variables.get('METRICS_PORT')?.fallback || Number.NaN)
  const find = (kind) => manifests.find(({ value }) => value.kind === kind).value
  const server = find('Deployment').spec.template
  const portOf = (name) =>
    server.spec.containers[0].ports.find((each) => each.name === name)?.containerPort
  const service = compose.services['coda-mcp']
  const expected = [
    ['Dockerfile', 'PORT', Number(image.env.PORT), port],
    ['Dockerfile', 'EXPOSE', image.ports[0], port],
    ['compose.yaml', 'PORT', Number(service.environment.PORT), port],
    ['compose.yaml', 'the published port', Number(service.ports[0].split(':').at(-1)), port],
    [
      'compose.yaml',
      'the port of Traefik',
      Number(service.labels['traefik.http.services.coda-mcp.loadbalancer.server.port']),
      port,
    ],
    ['deployment.yaml', 'containerPort', portOf('http'), port],
    ['service.yaml', 'the port', find('Service').spec.ports[0].port, 80],
    [
      'coda-mcp.service',
      'PORT',
      Number(/\bPORT=(\d+)/.exec(unit.map(({ value }) => value).join(' '))?.[1]),
      port,
    ],
  ]
  if (!Number.isNaN(metrics)) {
    const annotation = server.metadata.annotations?.['prometheus.io/port']
    expected.push(
      ['Dockerfile', 'EXPOSE of the metrics', image.ports[1], metrics],
      ['deployment.yaml', 'the port of the metrics', portOf('metrics'), metrics],
      ['deployment.yaml', 'the annotation of the port', Number(annotation), metrics],
    )
  }
  for (const [place, what, is, shouldBe] of expected) {
    if (is !== shouldBe) say(place, `${what} is ${is}, not ${shouldBe}`)
  }
  for (const [, host, number] of composeText.matchAll(/\b(coda-mcp):(\d{2,5})/g)) {
    if (Number(number) !== port) say('compose.yaml', `${host} listens on ${port}, not on ${number}`)
  }
}

function checkProbes({ compose, manifests, image, healthPaths }, say) {
  const container = manifests.find(({ value }) => value.kind === 'Deployment').value.spec.template
    .spec.containers[0]
  const asked = [
    ['Dockerfile', 'live', /\/health\/\w+/.exec(image.healthcheck.command.join(' '))?.[0]],
    [
      'compose.yaml',
      'ready',
      compose.services['coda-mcp'].labels[
        'traefik.http.services.coda-mcp.loadbalancer.healthcheck.path'
      ],
    ],
    ['deployment.yaml', 'live', container.startupProbe?.httpGet.path],
    // An outage of a dependency must never restart a server.
    ['deployment.yaml', 'live', container.livenessProbe?.httpGet.path],
    ['deployment.yaml', 'ready', container.readinessProbe?.httpGet.path],
  ]
  for (const [place, state, path] of asked) {
    if (path !== `/health/${state}` || !healthPaths.includes(path)) {
      say(place, `a probe asks ${path}, not /health/${state}`)
    }
  }
}

/** Each must wait for the drain, and see its begin while new calls are still taken. */
function checkGrace({ compose, manifests, unit, variables }, say) {
  const configMap = manifests.find(({ value }) => value.kind === 'ConfigMap').value
  const pod = manifests.find(({ value }) => value.kind === 'Deployment').value.spec.template.spec
  const service = compose.services['coda-mcp']
  const settings = unit.map(({ name, value }) => `${name}=${value}`).join(' ')
  const fallback = variables.get('DRAIN_SECONDS').fallback
  const drains = [
    [
      'compose.yaml',
      'stop_grace_period',
      service.stop_grace_period,
      service.environment.DRAIN_SECONDS,
    ],
    [
      'deployment.yaml',
      'terminationGracePeriodSeconds',
      pod.terminationGracePeriodSeconds,
      configMap.data.DRAIN_SECONDS,
    ],
    [
      'coda-mcp.service',
      'TimeoutStopSec',
      /TimeoutStopSec=(\d+)/.exec(settings)?.[1],
      /DRAIN_SECONDS=(\d+)/.exec(settings)?.[1],
    ],
  ]
  for (const [place, what, grace, drain] of drains) {
    const needed = Number(drain ?? fallback) + 5
    if (!(seconds(grace) >= needed)) say(place, `${what} is ${grace}, and ${needed} s are needed`)
  }
  const { periodSeconds, failureThreshold } = pod.containers[0].readinessProbe
  const accepts = Math.min(5, Number(configMap.data.DRAIN_SECONDS ?? fallback) / 5)
  if (!(periodSeconds * failureThreshold < accepts)) {
    say(
      'deployment.yaml',
      `the readiness probe needs ${periodSeconds * failureThreshold} s to see a shutdown, and calls are taken for ${accepts} s`,
    )
  }
}

const BYTES = { M: 2 ** 20, Mi: 2 ** 20, Gi: 2 ** 30 }

function bytes(text) {
  const [, amount, unit] = /^(\d+)(M|Mi|Gi)$/.exec(String(text)) ?? []
  return Number(amount) * BYTES[unit]
}

/** The heap is the one that was measured, and the alert comes before the end. */
function checkMemory({ compose, manifests, unit, alerts }, say) {
  const find = (kind) => manifests.find(({ value }) => value.kind === kind).value
  const settings = unit.map(({ name, value }) => `${name}=${value}`).join('\n')
  const heap = /:-(.*)\}$/.exec(compose.services['coda-mcp'].environment.NODE_OPTIONS)?.[1]
  const others = [
    ['config-map.yaml', find('ConfigMap').data.NODE_OPTIONS],
    ['coda-mcp.service', /^Environment=NODE_OPTIONS=(.*)$/m.exec(settings)?.[1]],
  ]
  for (const [place, options] of others) {
    if (options !== heap) say(place, `NODE_OPTIONS is ${options}, not ${heap} as in compose.yaml`)
  }
  const threshold = Number(/process_resident_memory_bytes > (\S+)/.exec(alerts)?.[1])
  const { limits } = find('Deployment').spec.template.spec.containers[0].resources
  for (const [place, limit] of [
    ['deployment.yaml', limits.memory],
    ['coda-mcp.service', /^MemoryMax=(.*)$/m.exec(settings)?.[1]],
  ]) {
    if (!(threshold < bytes(limit))) {
      say(place, `the limit of memory is ${limit}, and alerts.yaml waits for ${threshold} bytes`)
    }
  }
}

function checkImage({ compose, manifests, kustomization, image, unit }, say) {
  const user = compose.services['coda-mcp'].user
  if (user !== image.user)
    say('compose.yaml', `the user is ${user}, that of the image ${image.user}`)
  const [uid, gid] = image.user.split(':').map(Number)
  const data = image.env.DATA_DIR
  if (image.volumes[0] !== data)
    say('Dockerfile', `the volume is ${image.volumes[0]}, DATA_DIR ${data}`)
  if (!compose.services['coda-mcp'].volumes.some((each) => each.endsWith(`:${data}`))) {
    say('compose.yaml', `no volume is mounted at ${data}`)
  }
  const name = compose.services['coda-mcp'].image.match(/:-([^:}]+):/)?.[1]
  if (kustomization.images[0].name !== name) say('kustomization.yaml', `the image is not ${name}`)
  for (const { file, value } of manifests.filter(({ value: { kind } }) =>
    /^(Deployment|Job)$/.test(kind),
  )) {
    const pod = value.spec.template.spec
    const { runAsUser, runAsGroup, fsGroup } = pod.securityContext
    if (runAsUser !== uid || runAsGroup !== gid || fsGroup !== gid)
      say(file, `the user is not that of the image, ${uid}`)
    if (pod.containers[0].image !== name) say(file, `the image is not ${name}`)
  }
  const pod = manifests.find(({ value }) => value.kind === 'Deployment').value.spec.template.spec
  if (!pod.containers[0].volumeMounts.some(({ mountPath }) => mountPath === data)) {
    say('deployment.yaml', `no volume is mounted at ${data}`)
  }
  const started = unit.find(({ name: setting }) => setting === 'ExecStart')?.value
  if (!started?.endsWith(`/${image.entrypoint.at(-1)}`))
    say('coda-mcp.service', `it starts something else than ${image.entrypoint.at(-1)}`)
}

/** A tag that moves would be another program tomorrow: every file names the release that it belongs to. */
function checkVersion({ version, versionTexts }, say) {
  for (const place of Object.keys(versionPlaces)) {
    const named = versionIn(place, versionTexts[place])
    if (named !== version) {
      say(
        place,
        `the image is that of ${named ?? 'no release'}, not ${version}: run node .ci/deploy/set-version.mjs`,
      )
    }
  }
}

/** Who can read the metrics, which ask for no credential. */
function checkMetricsHost({ compose, manifests, unit, image }, say) {
  const configMap = manifests.find(({ value }) => value.kind === 'ConfigMap').value
  const policy = manifests.find(({ value }) => value.kind === 'NetworkPolicy').value
  const inCompose = compose.services['coda-mcp'].environment.METRICS_HOST
  // The network of the proxy may be that of many other services.
  if (!String(inCompose).endsWith(':-127.0.0.1}'))
    say('compose.yaml', `METRICS_HOST is ${inCompose}: everybody in the network of the proxy reads`)
  if (image.env.METRICS_HOST !== undefined)
    say('Dockerfile', 'METRICS_HOST is not for an image to open')
  if (unit.some(({ value }) => /\bMETRICS_HOST=/.test(value)))
    say('coda-mcp.service', 'METRICS_HOST is not for a unit to open')
  if (configMap.data.METRICS_HOST !== '0.0.0.0')
    say('config-map.yaml', 'METRICS_HOST must be 0.0.0.0, or Prometheus reads nothing')
  const rules = policy.spec.ingress.filter(({ ports }) =>
    ports.some(({ port }) => port === 'metrics'),
  )
  if (rules.length === 0 || rules.some(({ from = [] }) => from.length === 0))
    say('network-policy.yaml', 'it must say who may read the metrics')
}

/** Everything that is said in two places, and differs. */
export function checkAgreement(deployment) {
  const problems = []
  const say = (place, what) => problems.push(`${place}: ${what}`)
  for (const check of [
    checkVariables,
    checkPorts,
    checkProbes,
    checkGrace,
    checkMemory,
    checkImage,
    checkVersion,
    checkMetricsHost,
  ])
    check(deployment, say)
  return problems
}
