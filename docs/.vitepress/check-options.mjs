import { Application, ReflectionKind } from 'typedoc'

const FUNCTIONS =
  ReflectionKind.Function |
  ReflectionKind.Method |
  ReflectionKind.Constructor |
  ReflectionKind.Interface |
  ReflectionKind.Class

/** What the web platform says of it is all that there is to say. */
const STANDARD = new Set(['signal'])

/** Whether a type is an export with a docstring of its own, which then says what the option is. */
function isDocumentedType(type) {
  if (type?.type === 'reference') return type.reflection?.hasComment() === true
  if (type?.type === 'union') return type.types.some(isDocumentedType)
  return type?.type === 'array' && isDocumentedType(type.elementType)
}

function isDocumented(member) {
  return (
    STANDARD.has(member.name) ||
    (member.type?.type === 'intrinsic' && member.type.name === 'undefined') ||
    member.hasComment() ||
    (member.signatures ?? []).some((signature) => signature.hasComment()) ||
    isDocumentedType(member.type)
  )
}

/** Whether the docstring of a function names a member that is written out among its parameters. */
function speaksOf({ comment }, name) {
  const parts = [
    comment?.summary ?? [],
    ...(comment?.blockTags ?? []).map(({ content }) => content),
  ]
  return parts.flat().some(({ text }) => text.includes(`\`${name}\``))
}

/** Types of what somebody chooses. Others, such as a caller or an event, are handed on as they came. */
const CHOICES = /(?:Options|Input|Filter|Auth|Lifetimes|FirstAdmin)$/

/** Calls `use` with every object type of choices that a type is made of, by name where it has one. */
function eachObject(type, name, seen, use) {
  if (type === undefined) return
  if (type.type === 'reference') {
    const target = type.reflection
    if (target === undefined || seen.has(target) || !CHOICES.test(target.name)) return
    seen.add(target)
    if (target.kindOf(ReflectionKind.Interface)) useObject(target, target.name, seen, use)
    else eachObject(target.type, target.name, seen, use)
  } else if (type.type === 'reflection') useObject(type.declaration, name, seen, use)
  else if (type.type === 'optional' || type.type === 'array')
    eachObject(type.elementType, name, seen, use)
  else for (const each of type.types ?? []) eachObject(each, name, seen, use)
}

function useObject(declaration, name, seen, use) {
  use(declaration, name)
  for (const member of declaration.children ?? []) {
    // What is written out below a docstring is what that speaks of.
    const written = member.type?.types ?? [member.type]
    const isWrittenOut = member.hasComment() && written.some((each) => each?.type === 'reflection')
    if (!isWrittenOut) eachObject(member.type, `${name}.${member.name}`, seen, use)
  }
}

/**
 * TypeDoc plugin: what a caller can put into an argument is documented, member by member, however deep,
 * or it is as wrong as an export without a docstring.
 */
export function load(app) {
  app.on(Application.EVENT_VALIDATE_PROJECT, (project) => {
    const seen = new Set()
    for (const owner of project.getReflectionsByKind(FUNCTIONS)) {
      for (const signature of owner.signatures ?? []) {
        const { name, parameters = [] } = signature
        for (const parameter of parameters) {
          eachObject(parameter.type, `${name}()`, seen, (declaration, path) => {
            for (const member of declaration.children ?? []) {
              const isInline = path === `${name}()`
              if (isDocumented(member) || (isInline && speaksOf(signature, member.name))) continue
              app.logger.validationWarning(`${path}.${member.name} does not have any documentation`)
            }
          })
        }
      }
    }
  })
}
