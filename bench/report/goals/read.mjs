/* What goals are read and written with. */
import { findValue } from '../results.mjs'

export const SDK_V1 = 'SDK v1 + jose'
export const number =
  (digits, unit = '') =>
  (value) =>
    `${value.toFixed(digits)}${unit}`
export const ratio = number(2)

/** Reads values of one table: `at(label, column)`. */
export function reader(results, name, id) {
  return (label, column) => findValue(results, name, id, label, column)
}

export function divide(left, right) {
  return left === undefined || right === undefined ? undefined : left / right
}

export function subtract(left, right) {
  return left === undefined || right === undefined ? undefined : left - right
}

/** Instructions of one case as a ratio to another. */
export function instructions(results, name, of) {
  const counted = results.get('instructions-20')?.instructions
  return divide(counted?.[name], counted?.[of])
}

/** Highest of the values that there are. */
export function worst(values) {
  const present = values.filter((value) => value !== undefined)
  return present.length === values.length ? Math.max(...present) : undefined
}
