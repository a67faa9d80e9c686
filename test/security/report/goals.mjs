/*
 * The figures of docs/security/report.md. What blocks a release is marked; `unmeasured` says why a figure
 * may be missing from a run.
 */
export const GOALS = [
  { id: 'R1', figure: 'bad inputs with a wrong outcome', goal: '0', blocks: true },
  {
    id: 'R2',
    figure: 'false accepts of generated tokens',
    goal: '0 in 1,000,000 (nightly; 50,000 in the short form), 0 answers of 5xx',
    blocks: true,
  },
  {
    id: 'R3',
    figure: 'Wycheproof',
    goal: '0 false accepts, every encrypted token refused',
    unmeasured: 'the vectors are not on this machine',
  },
  { id: 'R4', figure: 'outages reported as 401 or invalid_grant', goal: '0', blocks: true },
  { id: 'R5', figure: 'outage of the key set survived', goal: '24 h for known keys' },
  { id: 'R6', figure: 'key fetches caused by an attack', goal: 'at most 1 per 30 s and issuer' },
  {
    id: 'R7',
    figure: 'time to a definite answer when a dependency hangs',
    goal: 'p99 at most 2.5 s for the store, 3.5 s for keys and client documents',
  },
  { id: 'R8', figure: 'recovery after the dependency returns', goal: 'at most 5 s, no restart' },
  { id: 'R9', figure: 'requests lost in a drain', goal: '0, exit within DRAIN_SECONDS' },
  {
    id: 'R10',
    figure: 'codes and refresh tokens spent twice',
    goal: '0, and 0 families revoked in error',
    blocks: true,
  },
  {
    id: 'R11',
    figure: 'damage after a process was killed',
    goal: '0 lost, 0 duplicated, 0 repaired by hand',
    blocks: true,
  },
  {
    id: 'R12',
    figure: 'migration of credentials',
    goal: '1,000 of 1,000 digests equal, source untouched until verified',
  },
  { id: 'R13', figure: 'secrets found in output', goal: '0', blocks: true },
  { id: 'R14', figure: 'memory under attack', goal: 'at most 20 MB more after a collection' },
  {
    id: 'R15',
    figure: 'event loop delay under attack',
    goal: 'p99 below 100 ms, max below 500 ms',
  },
  { id: 'R16', figure: 'unhandled errors', goal: '0', blocks: true },
  {
    id: 'R17',
    figure: 'connections to addresses that are not public',
    goal: '0 for every form of address',
    blocks: true,
  },
  { id: 'R18', figure: 'advisories of others, repeated', goal: 'all refused', blocks: true },
  {
    id: 'R19',
    figure: 'conformance',
    goal: '100 % of what is scored, at a pinned version',
    unmeasured: 'the suite was not run',
  },
  {
    id: 'R20',
    figure: 'OpenID certification, OP Basic',
    goal: 'pass',
    unmeasured: 'nobody has run the certification suite for this project',
  },
  {
    id: 'R21',
    figure: 'mutation score of the security modules',
    goal: 'at least 90 %',
    unmeasured: 'test/security/mutation/scores.json keeps no score',
  },
  { id: 'R22', figure: 'answers delivered to somebody else', goal: '0', blocks: true },
]
