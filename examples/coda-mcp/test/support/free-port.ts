export { findFreePort } from '../../../../.ci/free-port.mjs'
