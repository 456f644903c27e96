/** Whom an act at a store can be asked for, sorted out on this device before the server is asked; and what a mail would say. */
import { indexOfOrdinal, locationOrdersKey, registrationsKey, seatsKey } from '../../shared/facts.ts'
import type { Connector } from '../../shared/connector.ts'
import { ordinalOf, type ConnectorId } from '../../shared/ids.ts'
import { displayNameOf, joinsByOf, type Principal, type User } from '../../shared/principal.ts'
import { whyNotRegistered, whyNotRetired, type NotAskedBecause, type Registration } from '../../shared/registration.ts'
import type { ChunkRead, Facts } from '../facts.ts'

export interface LeftOutRow {
  readonly person: User
  readonly text: string
}

/** Of those who are to be registered: how each would come onto the list. */
export interface ToRegister {
  /** By a managed account: at once, nothing is asked of them. */
  readonly byAccount: readonly User[]
  /** By an invitation, which they accept. */
  readonly byMail: readonly User[]
  readonly leftOut: readonly LeftOutRow[]
}

export interface ToRetire {
  readonly people: readonly User[]
  readonly leftOut: readonly LeftOutRow[]
}

const sorted = (
  facts: Facts,
  connector: ConnectorId,
  people: readonly User[],
  action: 'register-user' | 'retire-user',
  judge: (person: User, registration: Registration | undefined) => NotAskedBecause | undefined,
): ChunkRead<{ readonly asked: readonly User[]; readonly leftOut: readonly LeftOutRow[] }> => {
  const orders = facts.rows(locationOrdersKey(connector))
  if (orders.is === 'loading') return orders
  const underWay = new Set(orders.value.filter((order) => order.action === action).flatMap(({ open }) => open))
  const asked: User[] = []
  const leftOut: LeftOutRow[] = []
  for (const person of people) {
    const ordinal = ordinalOf(person.id)
    const registrations = facts.rows(registrationsKey(connector, ordinal))
    if (registrations.is === 'loading') return registrations
    const why = underWay.has(ordinal)
      ? { text: 'is being asked for already' }
      : judge(
          person,
          registrations.value.find(({ id }) => id === person.id),
        )
    if (why === undefined) asked.push(person)
    else leftOut.push({ person, text: why.text })
  }
  return { is: 'ready', value: { asked, leftOut } }
}

export const toRegister = (facts: Facts, connector: ConnectorId, people: readonly User[]): ChunkRead<ToRegister> => {
  const read = sorted(facts, connector, people, 'register-user', whyNotRegistered)
  if (read.is === 'loading') return read
  const { asked, leftOut } = read.value
  return {
    is: 'ready',
    value: {
      byAccount: asked.filter((person) => joinsByOf(person) === 'account'),
      byMail: asked.filter((person) => joinsByOf(person) === 'mail'),
      leftOut,
    },
  }
}

export const toRetire = (facts: Facts, connector: ConnectorId, people: readonly User[]): ChunkRead<ToRetire> => {
  const read = sorted(facts, connector, people, 'retire-user', (_, registration) => whyNotRetired(registration))
  return read.is === 'loading' ? read : { is: 'ready', value: { people: read.value.asked, leftOut: read.value.leftOut } }
}

/** At which Locations they hold anything, as far as it is in memory; most seats first. */
export const placesHeldAt = (facts: Facts, principals: readonly Principal[]): readonly ConnectorId[] => {
  const licenses = facts.run('licenses/')
  if (licenses.is === 'loading') return []
  const seatsByPlace = new Map<ConnectorId, number>()
  const ordinals = principals.map(({ id }) => ordinalOf(id))
  for (const key of licenses.value) {
    const rows = facts.rows(key)
    for (const { id, connectorId } of rows.is === 'ready' ? rows.value : []) {
      const seats = facts.columns(seatsKey(id))
      if (seats.is === 'loading') continue
      const held = ordinals.filter((ordinal) => indexOfOrdinal(seats.value.ordinals, ordinal) >= 0).length
      if (held > 0) seatsByPlace.set(connectorId, (seatsByPlace.get(connectorId) ?? 0) + held)
    }
  }
  return [...seatsByPlace].sort((a, b) => b[1] - a[1]).map(([id]) => id)
}

/** Who is left out, by the reason: most first. */
export const leftOutInGroups = (rows: readonly LeftOutRow[]): readonly { readonly text: string; readonly people: readonly User[] }[] => {
  const byText = new Map<string, User[]>()
  for (const { person, text } of rows) byText.set(text, [...(byText.get(text) ?? []), person])
  return [...byText].map(([text, people]) => ({ text, people })).sort((a, b) => b.people.length - a.people.length)
}

/** Plain text: what it is, what to do, and that the link is theirs alone. */
export const invitationMail = (person: User, connector: Connector, url: string): string => {
  const organisation = connector.location?.organization || connector.location?.name || connector.name
  const subject = `Invitation to apps and books of ${organisation}`
  const body = [
    `Hello ${displayNameOf(person)},`,
    `${organisation} gives you apps and books. Open this link on your iPhone, iPad or Mac and sign in with your own Apple Account to take them:`,
    url,
    'The link is for you alone. Whoever opens it takes your place.',
  ].join('\r\n\r\n')
  return `mailto:${encodeURIComponent(person.email).replaceAll('%40', '@')}?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(body)}`
}
