/**
 * How what several sources say of people comes to one person: who is the same, and whose word stands. Pure.
 *
 * A source's record that was seen before stays with its person: rules are asked once, for a record that is new. What an
 * administrator joined or split is kept the same way, so no rule undoes it.
 */
import { namesPrincipals } from './device-list.ts'
import type { User } from './principal.ts'

/** Why a record of a source is this person's. The first four are the rules, in the order in which they are asked. */
export type JoinedBy =
  /** The same source named the person under this id of its own before. */
  | 'external-id'
  /** The same user name, a later one too, without regard to case. */
  | 'user-name'
  | 'managed-account'
  /** The same mail address, which nobody else has on either side. */
  | 'mail'
  /** Of a device. */
  | 'serial-number'
  /** The source named the person first. */
  | 'first'
  /** An administrator said so. */
  | 'by-hand'
  /** An administrator said that it is nobody of those it was joined with. */
  | 'split-by-hand'

export const joinedByInWords: Record<JoinedBy, string> = {
  'external-id': 'The same id of the source',
  'user-name': 'The same user name',
  'managed-account': 'The same managed Apple Account',
  mail: 'The same mail address, which nobody else has',
  'serial-number': 'The same serial number',
  first: 'This source named them first',
  'by-hand': 'Joined by an administrator',
  'split-by-hand': 'Split off by an administrator',
}

/** Empty for what is no rule. */
export const joinedByText = (code: string): string => new Map<string, string>(Object.entries(joinedByInWords)).get(code) ?? ''

/** What a source says. Absent or empty: it does not say. */
export type SourceFields = Partial<Pick<User, 'userName' | 'displayName' | 'email' | 'department' | 'active' | 'managedAppleAccount'>>

export interface SourceRecord {
  readonly source: string
  /** The source's own key of the record: of a file and of SCIM the user name without regard to case. */
  readonly key: string
  readonly ordinal: number
  readonly fields: SourceFields
  readonly externalId: string | null
  readonly joinedBy: JoinedBy
  /** Milliseconds since 1970: first named, told last, and when the source stopped naming it. */
  readonly since: number
  readonly toldAt: number
  readonly goneAt: number | null
}

// ---- Who is the same ----

export interface JoinCandidates {
  readonly ofExternalId: readonly number[]
  readonly ofUserName: readonly number[]
  readonly ofManagedAccount: readonly number[]
  readonly ofMail: readonly number[]
  /** The source tells this account or address of more than one record. */
  readonly isAccountShared: boolean
  readonly isMailShared: boolean
  /** The source names this person under another key already: by its own word these are two. */
  readonly isNamedBySource: (ordinal: number) => boolean
}

/** Undefined: nobody who is known, so the record is a person of its own. */
export const joinOf = (candidates: JoinCandidates): { readonly ordinal: number; readonly by: JoinedBy } | undefined => {
  const { isNamedBySource } = candidates
  const only = (ordinals: readonly number[]): number | undefined => {
    const [first, ...others] = new Set(ordinals)
    return first !== undefined && others.length === 0 ? first : undefined
  }
  const rules: readonly { readonly by: JoinedBy; readonly found: number | undefined; readonly isIdentity: boolean }[] = [
    { by: 'external-id', found: only(candidates.ofExternalId), isIdentity: false },
    // A user name is one person's, whoever writes it, and as often as it is written.
    { by: 'user-name', found: only(candidates.ofUserName), isIdentity: true },
    { by: 'managed-account', found: candidates.isAccountShared ? undefined : only(candidates.ofManagedAccount), isIdentity: false },
    { by: 'mail', found: candidates.isMailShared ? undefined : only(candidates.ofMail), isIdentity: false },
  ]
  for (const { by, found, isIdentity } of rules)
    if (found !== undefined && (isIdentity || !isNamedBySource(found))) return { ordinal: found, by }
  return undefined
}

/** Compared without regard to case and outer blanks. Empty: there is none. */
export const normalMail = (text: string): string => text.trim().toLowerCase()
export const normalAccount = normalMail

// ---- Whose word stands ----

/** `graph:<connector>`, a directory that is read through Microsoft Graph. */
export const isDirectorySource = (source: string): boolean => source.startsWith('graph:')

/** An identity provider before a directory that is read, before a file or a hand. */
const rankOf = (source: string): number => (source === 'scim' ? 0 : isDirectorySource(source) ? 1 : 2)

/** A file and a hand are both an administrator's word: the later one stands. They own no field against each other. */
export const isOwningSource = (source: string): boolean => rankOf(source) < 2

const byWeight = (a: SourceRecord, b: SourceRecord): number => {
  const ranks = rankOf(a.source) - rankOf(b.source)
  if (ranks !== 0) return ranks
  // Within an owning rank the first that named the person; of a file and a hand the later word.
  const times = isOwningSource(a.source) ? a.since - b.since : b.toldAt - a.toldAt
  return times !== 0 ? times : `${a.source}/${a.key}` < `${b.source}/${b.key}` ? -1 : 1
}

export const ownedFields = ['displayName', 'email', 'department', 'active', 'managedAppleAccount'] as const
export type OwnedField = (typeof ownedFields)[number]

export interface Standing {
  readonly fields: Pick<User, OwnedField>
  /** The source whose value stands; absent: no source says anything. */
  readonly ownerOf: Partial<Record<OwnedField, string>>
}

/** Of the records that are not gone: for each field the first that says something, in the order of weight. */
export const standingOf = (records: readonly SourceRecord[]): Standing => {
  const present = records.filter(({ goneAt, source }) => goneAt === null && namesPrincipals(source)).sort(byWeight)
  const owner: Partial<Record<OwnedField, string>> = {}
  const text = (name: Exclude<OwnedField, 'active'>): string => {
    // Only a hand can say that there is none: a file's empty cell and an attribute that is not sent say nothing.
    const says = present.find(({ fields, source }) => (source === 'hand' ? fields[name] !== undefined : (fields[name] ?? '') !== ''))
    if (says !== undefined) owner[name] = says.source
    return says?.fields[name] ?? ''
  }
  const saysActive = present.find(({ fields }) => fields.active !== undefined)
  if (saysActive !== undefined) owner.active = saysActive.source
  return {
    fields: {
      displayName: text('displayName'),
      email: text('email'),
      department: text('department'),
      active: saysActive?.fields.active ?? true,
      managedAppleAccount: text('managedAppleAccount'),
    },
    ownerOf: owner,
  }
}
