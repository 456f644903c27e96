import { expect, test } from 'vitest'
import { noUpdates } from '../../client/app-update.ts'
import { createServerActs } from '../../client/server-acts.ts'
import { createSession } from '../../client/session.ts'
import { openWorkspace, type Workspace } from '../../client/workspace.svelte.ts'
import type { LicenseId } from '../../shared/ids.ts'
import { createDesk, furnish, target } from './desk.ts'

const give = { mode: 'include', intent: 'required', licenseType: 'device' } as const

const sitDown = () => {
  const desk = createDesk()
  const furniture = furnish(desk.server)
  const tab = desk.openTab()
  let persisted = 0
  const noNetwork = () => Promise.reject(new TypeError('Failed to fetch'))
  const workspace = openWorkspace({
    console: tab.console,
    session: createSession(noNetwork),
    acts: createServerActs(noNetwork),
    update: noUpdates(),
    clock: desk.clock,
    persist: () => void (persisted += 1),
  })
  /** A screen looks, and looks again when what it asked for has come. */
  const looked = async <T>(look: (workspace: Workspace) => T): Promise<T> => {
    for (let round = 0; round < 6; round += 1) {
      look(workspace)
      await desk.settle()
    }
    return look(workspace)
  }
  return { desk, tab, workspace, looked, persisted: () => persisted, ...furniture }
}

test('before anything was fetched the lists are loading, not empty, and nothing is "not found"', async () => {
  const { desk, workspace, looked } = sitDown()
  desk.server.online = false
  await desk.settle()
  expect(await looked(({ licenses }) => licenses)).toEqual({ is: 'loading' })
  expect(await looked((shown) => shown.license('l1' as LicenseId))).toEqual({ is: 'loading' })
  expect(workspace.facts).toEqual({ is: 'none' })
  expect(workspace.badge).toMatchObject({ word: 'Offline', text: 'Offline, nothing unsent' })
})

test('once the facts are whole a screen shows them, and what is not there is not found', async () => {
  const { workspace, looked, keynote, tablets } = sitDown()
  const licenses = await looked((shown) => shown.licenses)
  expect(licenses.is === 'ready' && licenses.value.map(({ license }) => license.product.name)).toEqual(['Keynote', 'Algebra'])
  const page = await looked((shown) => shown.license(keynote))
  expect(page.is === 'ready' && page.value.row.license.product.name).toBe('Keynote')
  expect(await looked((shown) => shown.license('l99' as LicenseId))).toEqual({ is: 'not-found' })
  expect(workspace.facts).toEqual({ is: 'whole', heardAt: null })
  expect(workspace.badge).toMatchObject({ word: 'Online', unsent: 0, text: 'Online, all saved' })
  const overview = await looked((shown) => shown.overview)
  expect(overview.is === 'ready' && overview.value.licenses).toBe(2)
  const found = await looked((shown) => shown.search('grade'))
  expect(found.is === 'ready' && found.value.map(({ key }) => key)).toEqual([tablets])
})

test('an assignment is foretold before it is made, and marked until the server has it', async () => {
  const { desk, workspace, looked, persisted, keynote, tablets } = sitDown()
  await desk.settle()
  desk.server.online = false
  await desk.settle()
  const foretold = await looked((shown) => shown.foretell({ license: keynote, targets: [tablets], ...give }))
  expect(foretold).toMatchObject({ is: 'ready', value: { text: '2 get a seat, 1 waits: no seat left', waiting: 1 } })
  await workspace.edits.assign({ license: keynote, targets: [tablets], ...give })
  await workspace.edits.assign({ license: keynote, targets: [target('d4')], ...give })
  expect(persisted()).toBe(1)
  const page = await looked((shown) => shown.license(keynote))
  expect(page.is === 'ready' && page.value.wishes.map(({ unsent }) => unsent)).toEqual([true, true])
  expect(workspace.badge).toMatchObject({ word: 'Offline', unsent: 2, text: 'Offline, 2 unsent' })
  const outbox = await looked((shown) => shown.outbox)
  expect(outbox.unsent.map(({ foretold: told }) => told?.text)).toEqual(['1 waits: no seat left', '2 get a seat, 1 waits: no seat left'])
  const verdict = await looked((shown) => shown.verdict(keynote, 'd3' as never))
  expect(verdict).toMatchObject({ is: 'ready', value: { state: 'waiting' } })
  desk.server.online = true
  await desk.pass(40_000)
  expect(workspace.badge).toMatchObject({ text: 'Online, all saved' })
  expect((await looked((shown) => shown.outbox)).saved).toHaveLength(2)
})
