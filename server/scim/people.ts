/**
 * People as a SCIM client sets them, and what of it goes into the directory: a display name, a mail address, a department,
 * a managed Apple Account, and whether anything new is given to them. All else stays beside (rows.ts).
 */
import { valueAt, withKey, withValue, type Complex, type Resource, type Value } from './resource.ts'
import { refusal, type ScimRefusal } from './refusal.ts'
import { enterpriseSchema, placeNamed, quartermasterSchema, userType, type Place } from './schema.ts'
import type { User } from '../../shared/principal.ts'
import { err, ok, type Result } from '../../shared/result.ts'

export const scimSource = 'scim'

export type DirectoryFields = Pick<User, 'displayName' | 'email' | 'department' | 'active' | 'managedAppleAccount'>

const mostLine = 256
const mustPlace = (name: string): Place => {
  const place = placeNamed(userType, name)
  if (place === undefined) throw new Error(`scim: ${name} is no attribute`)
  return place
}
const displayName = mustPlace('displayName')
const active = mustPlace('active')
const emails = mustPlace('emails')
const department = mustPlace('department')
const managedAppleAccount = mustPlace('managedAppleAccount')

const textOf = (value: Value | undefined): string => (typeof value === 'string' ? value : '')
/** The directory keeps lines. */
const lineOf = (text: string): string =>
  text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, mostLine)

/** The one for work, else the preferred one, else the first. */
export const directoryEmail = (resource: Resource): Complex | undefined => {
  const list = valueAt(resource, emails)
  const elements = Array.isArray(list) ? (list as readonly Complex[]) : []
  return (
    elements.find((element) => textOf(element['type']).toLowerCase() === 'work') ??
    elements.find((element) => element['primary'] === true) ??
    elements[0]
  )
}

export const fieldsOf = (resource: Resource): DirectoryFields => {
  const name = resource['name'] as Complex | undefined
  const parts = [textOf(name?.['givenName']), textOf(name?.['familyName'])].filter((part) => part !== '').join(' ')
  return {
    displayName: lineOf(textOf(resource['displayName']) || textOf(name?.['formatted']) || parts),
    email: lineOf(textOf(directoryEmail(resource)?.['value'])),
    department: lineOf(textOf(valueAt(resource, department))),
    active: resource['active'] !== false,
    managedAppleAccount: lineOf(textOf(valueAt(resource, managedAppleAccount))),
  }
}

/** The resource as the directory stands: where the client says nothing of a field, it is told what another source says. */
export const asInDirectory = (resource: Resource, user: User): Resource => {
  const set = fieldsOf(resource)
  const text = (value: string): Value | undefined => (value === '' ? undefined : value)
  let current = resource
  if (user.displayName !== set.displayName) current = withValue(current, displayName, text(user.displayName))
  if (user.department !== set.department) current = withValue(current, department, text(user.department))
  if (user.managedAppleAccount !== set.managedAppleAccount)
    current = withValue(current, managedAppleAccount, text(user.managedAppleAccount))
  if (user.email !== set.email) current = withValue(current, emails, withEmail(current, user.email))
  return withValue(current, active, user.active)
}

const withEmail = (resource: Resource, email: string): Value | undefined => {
  const held = directoryEmail(resource)
  const list = (valueAt(resource, emails) ?? []) as readonly Complex[]
  const changed =
    held === undefined
      ? [...list, { value: email, type: 'work', primary: true }]
      : list.flatMap((element) => (element !== held ? [element] : email === '' ? [] : [{ ...element, value: email }]))
  return changed.length === 0 ? undefined : changed
}

/** The name that a resource must have. */
export const nameIn = (resource: Resource, attribute: 'userName' | 'displayName'): Result<string, ScimRefusal> => {
  const name = textOf(resource[attribute])
  if (name.trim() === '') return err(refusal('invalidValue', `${attribute} is missing. It is required.`))
  if (name.length > mostLine || /\p{Cc}/u.test(name))
    return err(refusal('invalidValue', `${attribute} must be one line of at most ${mostLine} characters.`))
  return ok(name)
}

/** A manager is kept by id alone; the address is ours to tell. */
export const withManagerAddress = (resource: Resource, usersAddress: string): Resource => {
  const extension = resource[enterpriseSchema] as Complex | undefined
  const manager = (extension?.['manager'] as Complex | undefined)?.['value']
  return typeof manager !== 'string'
    ? resource
    : withKey(resource, enterpriseSchema, { ...extension, manager: { value: manager, $ref: usersAddress + encodeURIComponent(manager) } })
}

/** What was changed, by the names of attributes alone: the audit tells no values. */
export const changedNames = (before: Resource, after: Resource): readonly string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) => (name === enterpriseSchema ? 'enterprise' : name === quartermasterSchema ? 'quartermaster' : name))
    .sort()
