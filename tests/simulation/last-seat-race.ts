/**
 * Two hundred at once for the last seat: over the HTTP API (assignments and claims), over the exchange and over self-service
 * links, each in its own way, to the whole server without a port. The store is the sandbox. Asked again and again with
 * another product, a round is right when one seat is used and everybody else waits, each with a place of their own.
 */
import { createHash } from 'node:crypto'
import * as Y from 'yjs'
import { parseDeviceId, parseTargetKey, docOfLicense, type LicenseId, type TargetKey } from '../../shared/ids.ts'
import { writeIntents } from '../../shared/plan.ts'
import { decodeServerFrame, encodeClientFrame, protocol, type ClientFrame, type ServerFrame } from '../../shared/protocol.ts'
import { apiKey, openDesk, type Desk } from '../server/routes/desk.ts'
import { seededChance } from '../world/hand-clock.ts'

export interface RaceRound {
  readonly round: number
  readonly used: number
  readonly waiting: number
  /** What is wrong with it; empty when nothing is. */
  readonly wrong: readonly string[]
}

export interface RaceSize {
  readonly rounds: number
  readonly seed: number
}

/** Devices by the API, devices by consoles, people by the API, people by their links. */
const sizes = { byApi: 80, byConsoles: 40, byClaim: 40, byLink: 40 } as const
const consoles = 4
export const atOnce = sizes.byApi + sizes.byConsoles + sizes.byClaim + sizes.byLink

/** Where the page of self-service comes from. */
const publicUrl = 'http://localhost:8787'
const uId = '2049025000431439'
const productOf = (round: number): string => String(700_000_000 + round)
const numbered = (prefix: string, n: number): string => `${prefix}${String(n).padStart(4, '0')}`

const must = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`race: ${what}`)
  return value
}

/** A console as the exchange knows one: frames in, frames out. */
const connectConsole = async (desk: Desk, name: string) => {
  const device = must(parseDeviceId(`race-console-${name}`), 'no device id')
  const answers = new Map<number, (frame: ServerFrame) => void>()
  let welcome: (() => void) | undefined
  const session = desk.composed.house.exchange.connect(
    {
      send: (bytes) => {
        const frame = decodeServerFrame(bytes)
        if (frame?.is === 'welcome') welcome?.()
        if (frame?.is === 'ack' || frame?.is === 'nack') answers.get(frame.n)?.(frame)
      },
      close: () => undefined,
      bufferedBytes: 0,
    },
    async () => (await desk.composed.access.apiKeys.findByKey(apiKey))?.actor,
  )
  const say = (frame: ClientFrame): void => session.receive(encodeClientFrame(frame))
  await new Promise<void>((resolve) => {
    welcome = resolve
    say({ is: 'hello', protocol, build: 'race', device })
  })
  let n = 0
  return {
    assign: (license: LicenseId, replica: Y.Doc, target: TargetKey): Promise<ServerFrame> => {
      n += 1
      const number = n
      const intent = {
        part: 'wish',
        target,
        wish: { mode: 'include', intent: 'required', licenseType: 'device', rev: 1 },
        baseRev: 0,
        confirmed: false,
      } as const
      const update = writeIntents(replica, [intent], 'edit')
      return new Promise((resolve) => {
        answers.set(number, resolve)
        const sum = createHash('sha256').update(update).digest()
        say({ is: 'push', n: number, doc: docOfLicense(license), epoch: 1, words: 'Give it', intents: [intent], update, sum })
      })
    },
  }
}

const furnish = async (desk: Desk, rounds: number) => {
  const { tokenFile } = desk.store.addLocation({ name: 'Berlin', uId, country: 'DE' })
  for (let round = 0; round < rounds; round += 1)
    desk.store.own(uId, productOf(round), {
      total: 1,
      product: { name: `Product ${round}`, publisher: 'Apple', kind: 'iosSoftware', genres: [], price: 0 },
    })
  const people = Array.from({ length: sizes.byClaim + sizes.byLink }, (_, n) => numbered('person', n))
  for (const name of people) desk.store.registerUser(uId, { clientUserId: name, email: `${name}@school.example` })
  const devices = Array.from({ length: sizes.byApi + sizes.byConsoles }, (_, n) => numbered('DEVICE', n))
  const csv = async (kind: string, head: string, lines: readonly string[]): Promise<void> => {
    const { status, text } = await desk.ask('POST', `directory/import?kind=${kind}`, { csv: [head, ...lines, ''].join('\n') })
    if (status !== 200) throw new Error(`race: ${text}`)
  }
  const userHead = 'userName,displayName,email,department,active,managedAppleAccount'
  await csv(
    'users',
    userHead,
    people.map((name) => `${name},${name},${name}@school.example,,true,`),
  )
  await csv(
    'devices',
    'serialNumber,name,platform,model,ownerUserName',
    devices.map((serial) => `${serial},${serial},iPadOS,iPad,`),
  )
  const added = await desk.post('connectors', { kind: 'apple-apps-books', name: 'Berlin', credential: { contentToken: tokenFile } })
  if (added.status !== 201) throw new Error(`race: ${added.text}`)
  await desk.settle()
  const idsOf = async (path: string): Promise<readonly string[]> => {
    const { items } = (await desk.get(`${path}?limit=500`)).body as { readonly items: readonly { readonly id: string }[] }
    return items.map(({ id }) => id)
  }
  return { users: await idsOf('users'), devices: await idsOf('devices') }
}

/** An hour's session for each of them, by their links. */
const openLinks = async (desk: Desk, users: readonly string[]): Promise<readonly string[]> => {
  const made = await desk.post('self-service/links', { users, validDays: 30 })
  const { items } = made.body as { readonly items: readonly { readonly link: string }[] }
  const cookies: string[] = []
  for (const { link } of items) {
    const opened = await desk.ask('POST', '/self-service/api/session', { as: null, body: { link: link.slice(link.indexOf('#') + 1) } })
    if (opened.status !== 200) throw new Error(`race: ${opened.text}`)
    cookies.push(must(opened.headers.get('set-cookie')?.split(';')[0], 'no session'))
  }
  return cookies
}

/** Sessions end after an hour, and a round passes some seconds. */
const roundsPerSession = 200
const settleMs = 6_000

export const raceForLastSeats = async ({ rounds, seed }: RaceSize): Promise<readonly RaceRound[]> => {
  await using desk = await openDesk()
  const chance = seededChance(seed)
  const { users, devices } = await furnish(desk, rounds)
  await desk.ask('PUT', 'self-service', { body: { on: true } })
  const connected = await Promise.all(Array.from({ length: consoles }, (_, at) => connectConsole(desk, String(at))))
  const licenseByProduct = new Map<string, LicenseId>()
  for (const key of await desk.composed.house.journal.store.keys('licenses/'))
    for (const { id, product } of await desk.composed.house.journal.rows(key as 'licenses/0')) licenseByProduct.set(product.id, id)
  const send = async (method: string, path: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<number> => {
    const answer = await desk.composed.web.request(path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    return answer.status
  }
  const asOwner = { authorization: `Bearer ${apiKey}` }

  const done: RaceRound[] = []
  let cookies: readonly string[] = []
  for (let round = 0; round < rounds; round += 1) {
    if (round % roundsPerSession === 0) cookies = await openLinks(desk, users.slice(sizes.byClaim))
    const license = must(licenseByProduct.get(productOf(round)), 'a product was not synced')
    await desk.post('assignments', { licenseId: license, target: { kind: 'all-users', id: null }, intent: 'available' })
    const opened = await desk.composed.house.workspace.open(docOfLicense(license), 0, new Uint8Array(0))
    const replicas = connected.map((_, at) => {
      const replica = new Y.Doc()
      replica.clientID = 1_000 + round * consoles + at
      Y.applyUpdate(replica, opened.update)
      return replica
    })
    const requests: (() => Promise<boolean>)[] = [
      ...devices.slice(0, sizes.byApi).map((id) => async () => {
        const status = await send('POST', '/api/v1/assignments', { licenseId: license, target: { kind: 'device', id } }, asOwner)
        return status === 201
      }),
      ...users.slice(0, sizes.byClaim).map((principal) => async () => {
        const status = await send('POST', `/api/v1/licenses/${license}/claims`, { principal }, asOwner)
        return status === 201
      }),
      ...cookies.map(
        (cookie) => async () =>
          (await send('POST', `/self-service/api/licenses/${license}/claim`, {}, { cookie, origin: publicUrl })) === 200,
      ),
    ]
    const edits = devices.slice(sizes.byApi).map((id, at) => async () => {
      const [console, replica] = [connected[at % consoles], replicas[at % consoles]]
      const target = parseTargetKey(id)
      if (console === undefined || replica === undefined || target === undefined) return false
      return (await console.assign(license, replica, target)).is === 'ack'
    })
    // In an order that nobody chose; a console's own edits stay in theirs.
    const mixed = requests.map((ask) => ({ ask, at: chance.fraction() })).sort((a, b) => a.at - b.at)
    const every = Math.ceil(mixed.length / edits.length)
    const all = mixed.flatMap(({ ask }, at) => (at % every === 0 ? [ask, ...edits.splice(0, 1)] : [ask]))
    const taken = await Promise.all([...all, ...edits].map((ask) => ask()))
    await desk.settle(settleMs)
    done.push(await look(desk, license, round, taken.filter((one) => !one).length))
  }
  return done
}

interface VerdictSeen {
  readonly state: string
  readonly because: { readonly code: string; readonly position?: number }
}

const look = async (desk: Desk, license: LicenseId, round: number, refused: number): Promise<RaceRound> => {
  const used = desk.store.holders(uId, productOf(round)).length
  const { items } = (await desk.get(`licenses/${license}/verdicts?limit=500`)).body as { readonly items: readonly VerdictSeen[] }
  const places = items.filter(({ state }) => state === 'waiting').map(({ because }) => because.position ?? 0)
  const wrong: string[] = []
  if (refused > 0) wrong.push(`${refused} of ${atOnce} were not taken`)
  if (used !== 1) wrong.push(`the store gave ${used} seats of 1`)
  if (items.filter(({ state }) => state === 'placed').length !== 1) wrong.push('not exactly one is placed')
  if (places.length !== atOnce - 1) wrong.push(`${places.length} of ${atOnce - 1} wait`)
  if (!places.toSorted((a, b) => a - b).every((place, at) => place === at + 1)) wrong.push('the places in the line are not 1, 2, 3 …')
  return { round, used, waiting: places.length, wrong }
}
