/** An administrator with a browser: the real console on a store in memory, over a line that can fail. */
import { createConsole, type AdminConsole } from '../../client/console.ts'
import { createDirectory, type DirectoryReader } from '../../client/directory.ts'
import { createEdits, type ActRefused, type Edits, type Kept } from '../../client/edits.ts'
import { createForetelling, type Foretelling } from '../../client/foretelling.ts'
import type { Because, Intent, PlacedWish, SeatsAfter, Verdict } from '../../shared/assignment.ts'
import type { Actor, Role } from '../../shared/admin.ts'
import type { Chance } from '../../shared/clock.ts'
import type { LicenseId, TargetKey } from '../../shared/ids.ts'
import { ordinalOf, principalKindOf, parseAdminId, parsePrincipalId, targetOf } from '../../shared/ids.ts'
import type { Result } from '../../shared/result.ts'
import { createMemoryStore, type MemoryLocalDb, type MemoryStore } from './memory-local-db.ts'
import type { BrowserLine } from './network.ts'
import type { Life, Schedule } from './schedule.ts'

/** One tab as long as it lives. */
interface Tab {
  readonly life: Life
  readonly localDb: MemoryLocalDb
  readonly console: AdminConsole
  readonly directory: DirectoryReader
  readonly edits: Edits
  readonly foretelling: Foretelling
}

export interface Seen {
  readonly state: Verdict['state']
  readonly because: Because['code']
}

export interface Admin {
  readonly name: string
  /** Read afresh by the server with each edit. */
  actor: Actor
  readonly line: BrowserLine
  readonly store: MemoryStore
  console(): AdminConsole
  edits(): Edits
  isOpen(): boolean

  goOffline(): void
  goOnline(): void
  assign(product: string, target: string, given?: { readonly intent?: Intent; readonly note?: string }): Promise<Result<Kept, ActRefused>>
  exclude(product: string, target: string): Promise<Result<Kept, ActRefused>>
  remove(product: string, target: string, seats?: SeatsAfter): Promise<Result<Kept, ActRefused>>
  note(product: string, target: string, text: string): Promise<Result<Kept, ActRefused>>
  /** The verdict as this screen shows it; undefined when nothing is said of them. */
  sees(product: string, holder: string): Promise<Seen | undefined>
  wishes(product: string): Promise<readonly PlacedWish[]>
  /** Edits that the server has not answered, and those that it refused, with the reason. */
  unsent(): readonly string[]
  refused(): readonly { readonly words: string; readonly code: string; readonly text: string }[]
  /** The page is loaded anew. */
  reload(): Promise<void>
  /** The browser dies in the middle of whatever it was doing. */
  killBrowser(): void
  openBrowser(): Promise<void>
  /** From now on this is the browser of a profile that was copied from another's. */
  takeProfileOf(other: Admin): Promise<void>
}

export interface AdminDeps {
  readonly name: string
  readonly role: Role
  readonly schedule: Schedule
  readonly chance: Chance
  readonly line: BrowserLine
  readonly licenseOf: (product: string) => LicenseId
  readonly targetOf: (name: string) => TargetKey
}

export const createAdmin = (deps: AdminDeps): Admin => {
  const { schedule, chance, line } = deps
  let store = createMemoryStore()
  let tab: Tab | undefined

  const id = parseAdminId(deps.name.toLowerCase())
  if (id === undefined) throw new Error(`world: ${deps.name} makes no id`)

  const open = (): Tab => {
    const life: Life = { alive: true }
    const clock = schedule.clockOf(life)
    const localDb = store.open()
    const console = createConsole({ clock, chance, localDb, openSocket: line.openSocketOf(life), build: 'world' })
    const directory = createDirectory(console.facts)
    return {
      life,
      localDb,
      console,
      directory,
      edits: createEdits(console, directory),
      foretelling: createForetelling({
        facts: console.facts,
        directory,
        rows: console.outbox,
        saved: console.saved,
        factsSeq: () => console.meta()?.seq ?? 0,
      }),
    }
  }
  const mustBeOpen = (): Tab => {
    if (tab === undefined) throw new Error(`world: ${deps.name}'s browser is closed`)
    return tab
  }
  const close = (how: 'reload' | 'kill'): void => {
    if (tab === undefined) return
    if (how === 'reload') tab.console.close()
    else tab.localDb.crash()
    tab.life.alive = false
    line.cut()
    tab = undefined
  }

  const licenseTypeOf = (target: TargetKey): 'device' | 'user' => {
    const to = targetOf(target)
    return to.kind === 'user' || to.kind === 'all-users' ? 'user' : 'device'
  }

  const act = async <T>(doing: (edits: Edits) => Promise<T>): Promise<T> => {
    const { console, directory, edits } = mustBeOpen()
    await console.opened
    await directory.load()
    const done = await doing(edits)
    await schedule.rest()
    return done
  }

  const admin: Admin = {
    name: deps.name,
    actor: { kind: 'admin', id, name: deps.name, role: deps.role },
    line,
    get store() {
      return store
    },
    console: () => mustBeOpen().console,
    edits: () => mustBeOpen().edits,
    isOpen: () => tab !== undefined,
    goOffline: () => line.goOffline(false),
    goOnline: () => {
      line.goOnline()
      tab?.console.tryNow()
    },
    assign: (product, target, { intent = 'required', note } = {}) =>
      act((edits) => {
        const key = deps.targetOf(target)
        return edits.assign({
          license: deps.licenseOf(product),
          targets: [key],
          mode: 'include',
          intent,
          licenseType: licenseTypeOf(key),
          ...(note === undefined ? {} : { note }),
        })
      }),
    exclude: (product, target) =>
      act((edits) => {
        const key = deps.targetOf(target)
        return edits.assign({
          license: deps.licenseOf(product),
          targets: [key],
          mode: 'exclude',
          intent: 'required',
          licenseType: licenseTypeOf(key),
        })
      }),
    remove: (product, target, seats = 'release') =>
      act((edits) => edits.removeAssignment(deps.licenseOf(product), [deps.targetOf(target)], seats)),
    note: (product, target, text) => act((edits) => edits.setNote(deps.licenseOf(product), deps.targetOf(target), text)),
    sees: async (product, holder) => {
      const id = parsePrincipalId(deps.targetOf(holder))
      if (id === undefined) throw new Error(`world: ${holder} is nobody`)
      const { foretelling } = mustBeOpen()
      for (let tries = 0; tries < 20; tries += 1) {
        const read = foretelling.state(deps.licenseOf(product), schedule.now())
        if (read.is === 'ready') {
          const verdict = read.value?.verdictByOrdinal.get(ordinalOf(id))
          return verdict === undefined ? undefined : { state: verdict.state, because: verdict.because.code }
        }
        await schedule.rest()
      }
      throw new Error(`world: ${deps.name}'s facts never load (${principalKindOf(id)})`)
    },
    wishes: async (product) => {
      const { foretelling } = mustBeOpen()
      for (let tries = 0; tries < 20; tries += 1) {
        const read = foretelling.state(deps.licenseOf(product), schedule.now())
        if (read.is === 'ready') return read.value?.wishes ?? []
        await schedule.rest()
      }
      throw new Error(`world: ${deps.name}'s facts never load`)
    },
    unsent: () =>
      mustBeOpen()
        .console.outbox()
        .filter(({ state }) => state === 'waiting')
        .map(({ words }) => words),
    refused: () =>
      mustBeOpen()
        .console.outbox()
        .flatMap(({ words, refusal }) => (refusal === null ? [] : [{ words, code: refusal.code, text: refusal.text }])),
    reload: async () => {
      close('reload')
      await admin.openBrowser()
    },
    killBrowser: () => close('kill'),
    openBrowser: async () => {
      close('kill')
      tab = open()
      await tab.console.opened
      await tab.console.signedIn({ id: admin.actor.id, name: admin.actor.name, role: admin.actor.role })
      await schedule.rest()
    },
    takeProfileOf: async (other) => {
      close('kill')
      store = other.store.copy()
      await admin.openBrowser()
    },
  }
  return admin
}
