import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkTypes } from './kubernetes-types.mjs'

const choices = {
  restartPolicy: ['Always', 'OnFailure', 'Never'],
  pathType: ['Exact', 'Prefix', 'ImplementationSpecific'],
  whenUnsatisfiable: ['DoNotSchedule', 'ScheduleAnyway'],
  protocol: ['TCP', 'UDP', 'SCTP'],
}

/** Fields whose values the types leave open. */
function checkChoices(value, say) {
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    if (choices[name] !== undefined && !choices[name].includes(inner))
      say(`${name} cannot be ${inner}`)
    checkChoices(inner, say)
  }
}

const selects = (selector, labels) =>
  Object.entries(selector ?? {}).every(([name, value]) => labels?.[name] === value)

/** What the policy "restricted" of Pod Security asks for, and more. */
function checkPod(pod, say) {
  const security = pod.securityContext ?? {}
  if (security.runAsNonRoot !== true) say('runAsNonRoot is not set')
  if (security.seccompProfile?.type !== 'RuntimeDefault')
    say('the seccomp profile is not RuntimeDefault')
  if (pod.automountServiceAccountToken !== false) say('the pod gets a token of the cluster')
  if (pod.enableServiceLinks !== false) say('variables of other services come into the pod')
  for (const container of pod.containers) {
    const own = container.securityContext ?? {}
    if (own.readOnlyRootFilesystem !== true) say(`${container.name} can write its root file system`)
    if (own.allowPrivilegeEscalation !== false) say(`${container.name} may gain privileges`)
    if (!own.capabilities?.drop?.includes('ALL')) say(`${container.name} keeps capabilities`)
    if (container.resources?.limits?.memory === undefined)
      say(`${container.name} has no memory limit`)
    if (container.resources?.requests?.memory === undefined)
      say(`${container.name} requests no memory`)
  }
}

function checkReferences(pod, { configMap, secret }, say) {
  for (const container of pod.containers) {
    for (const { configMapRef } of container.envFrom ?? []) {
      if (configMapRef?.name !== configMap.metadata.name)
        say(`there is no ConfigMap ${configMapRef?.name}`)
    }
    const mount = container.volumeMounts?.find(({ name }) => name === 'secrets')
    for (const [variable, path] of Object.entries(configMap.data)) {
      if (!variable.endsWith('_FILE')) continue
      const key = path.startsWith(`${mount?.mountPath}/`)
        ? path.slice(mount.mountPath.length + 1)
        : undefined
      if (key === undefined) say(`${variable} names a file outside of the mounted Secret`)
      else if (secret.stringData[key] === undefined)
        say(`${variable} names ${key}, which the Secret lacks`)
    }
    for (const { name } of container.volumeMounts ?? []) {
      const volume = pod.volumes?.find((each) => each.name === name)
      if (volume === undefined) say(`there is no volume ${name}`)
      else if (volume.secret !== undefined && volume.secret.secretName !== secret.metadata.name) {
        say(`there is no Secret ${volume.secret.secretName}`)
      }
    }
    const ports = (container.ports ?? []).map(({ name }) => name)
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      const port = container[probe]?.httpGet?.port
      if (port !== undefined && !ports.includes(port))
        say(`${probe} asks the port ${port}, which is not there`)
    }
  }
}

function checkKustomization({ example, kustomization, manifests }, say) {
  const folder = join(example, 'deploy/kubernetes')
  for (const file of kustomization.resources) {
    if (!existsSync(join(folder, file))) say(`there is no ${file}`)
  }
  for (const file of readdirSync(folder).filter((each) => /(?<!example)\.yaml$/.test(each))) {
    if (file !== 'kustomization.yaml' && !kustomization.resources.includes(file))
      say(`${file} is not applied`)
  }
  for (const { file, value } of manifests) {
    const namespace = value.metadata.namespace ?? kustomization.namespace
    if (value.kind !== 'Namespace' && namespace !== kustomization.namespace)
      say(`${file} is in ${namespace}`)
  }
}

/** Whether the manifests are what the API takes, and fit together. */
export function checkKubernetes(deployment) {
  const { manifests, kustomization } = deployment
  const problems = checkTypes(manifests)
  // What has another shape cannot be looked into.
  if (problems.length > 0) return problems
  const find = (kind) => manifests.find(({ value }) => value.kind === kind)?.value
  const [configMap, secret, server, job] = ['ConfigMap', 'Secret', 'Deployment', 'Job'].map(find)
  const [service, budget, policy, ingress] = [
    'Service',
    'PodDisruptionBudget',
    'NetworkPolicy',
    'Ingress',
  ].map(find)
  for (const { file, value } of manifests) {
    checkChoices(value, (what) => problems.push(`${file}: ${what}`))
  }
  checkKustomization(deployment, (what) => problems.push(`kustomization.yaml: ${what}`))
  for (const { file, value } of manifests.filter(
    ({ value }) => value === server || value === job,
  )) {
    const say = (what) => problems.push(`${file}: ${what}`)
    checkPod(value.spec.template.spec, say)
    checkReferences(value.spec.template.spec, { configMap, secret }, say)
  }
  const labels = server.spec.template.metadata.labels
  const ports = server.spec.template.spec.containers[0].ports.map(({ name }) => name)
  const say = (what) => problems.push(`manifests: ${what}`)
  for (const { kind, spec, selector } of [server, budget].map((each) => ({
    ...each,
    selector: each.spec.selector.matchLabels,
  }))) {
    if (spec === undefined || !selects(selector, labels)) say(`${kind} does not select the servers`)
  }
  if (!selects(service.spec.selector, labels)) say('Service does not select the servers')
  if (selects(service.spec.selector, job.spec.template.metadata.labels))
    say('Service selects the migration')
  if (!selects(policy.spec.podSelector.matchLabels, labels))
    say('NetworkPolicy does not select the servers')
  if (server.spec.replicas < 2) say('there are fewer than two servers')
  for (const port of [
    ...service.spec.ports.map((each) => each.targetPort),
    ...policy.spec.ingress.flatMap((rule) => rule.ports.map((each) => each.port)),
  ]) {
    if (!ports.includes(port)) say(`there is no port ${port}`)
  }
  for (const { backend } of ingress.spec.rules.flatMap((rule) => rule.http.paths)) {
    const found = backend.service.name === service.metadata.name
    if (!found || !service.spec.ports.some(({ name }) => name === backend.service.port.name)) {
      say('Ingress does not lead to the Service')
    }
  }
  if (Object.values(secret.stringData).some((value) => value !== ''))
    say('the example of a Secret holds values')
  if (kustomization.images.length === 0) say('the image has no tag')
  return problems
}
