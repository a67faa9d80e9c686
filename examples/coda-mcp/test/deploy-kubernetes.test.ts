import { describe, expect, it } from 'vitest'
import { manifest, problemsOf } from './support/deployment.js'

describe('Kubernetes', () => {
  it.each([
    [
      'a field that does not exist',
      'deployment',
      'readinessProbe',
      'readinesProbe',
      'readinesProbe',
    ],
    [
      'a value of another type',
      'deployment',
      'replicas: 2',
      "replicas: 'two'",
      "'string' is not assignable",
    ],
    [
      'a number in a ConfigMap',
      'config-map',
      "TRUST_PROXY: '1'",
      'TRUST_PROXY: 1',
      "'number' is not assignable",
    ],
    [
      'a kind that does not exist',
      'pod-disruption-budget',
      'kind: PodDisruptionBudget',
      'kind: PodDisruption',
      'PodDisruption',
    ],
    [
      'a choice that does not exist',
      'migration-job',
      'restartPolicy: Never',
      'restartPolicy: Nevr',
      'restartPolicy cannot be',
    ],
    ['root', 'deployment', 'runAsNonRoot: true', 'runAsNonRoot: false', 'runAsNonRoot'],
    [
      'a root file system that can be written',
      'migration-job',
      'readOnlyRootFilesystem: true',
      'readOnlyRootFilesystem: false',
      'can write',
    ],
    [
      'no limit of memory',
      'deployment',
      /limits:\n {14}memory: 512Mi/,
      'limits: {}',
      'no memory limit',
    ],
    ['one server', 'deployment', 'replicas: 2', 'replicas: 1', 'fewer than two'],
    [
      'a Service of the migration',
      'service',
      /\n {4}app.kubernetes.io\/component: server/,
      '',
      'selects the migration',
    ],
    [
      'a Service of nobody',
      'service',
      'component: server',
      'component: client',
      'does not select the servers',
    ],
    [
      'a budget of nobody',
      'pod-disruption-budget',
      'component: server',
      'component: client',
      'PodDisruptionBudget does not',
    ],
    ['a port that is not there', 'service', 'targetPort: http', 'targetPort: web', 'no port web'],
    [
      'a probe of a port that is not there',
      'deployment',
      /(livenessProbe:[\s\S]*?port:) http/,
      '$1 web',
      'livenessProbe asks the port web',
    ],
    [
      'a file outside of the Secret',
      'config-map',
      '/run/secrets/coda-mcp/database_url',
      '/run/secrets/database_url',
      'outside of the mounted Secret',
    ],
    [
      'a key that the Secret lacks',
      'config-map',
      'coda-mcp/database_url',
      'coda-mcp/database',
      'which the Secret lacks',
    ],
    [
      'a Secret with a value',
      'secret.example',
      "database_url: ''",
      'database_url: postgres://u:p@h/d',
      'holds values',
    ],
    [
      'an Ingress that leads nowhere',
      'ingress.example',
      /service:\n {16}name: coda-mcp/,
      'service:\n                name: other',
      'does not lead',
    ],
    [
      'a manifest that is not applied',
      'kustomization',
      '  - network-policy.yaml\n',
      '',
      'network-policy.yaml is not applied',
    ],
    [
      'another namespace',
      'ingress.example',
      'namespace: coda-mcp',
      'namespace: other',
      'is in other',
    ],
  ])('refuses %s', (_, file, text, replacement, expected) => {
    expect(problemsOf('Kubernetes', manifest(file), text, replacement)).toContain(expected)
  })
})
