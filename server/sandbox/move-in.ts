/** A sample organisation moves in: its directory, its locations, its first assignments. Once; what is there already stays. */
import { importKinds } from '../directory/csv.ts'
import type { NewConnector } from '../connectors.ts'
import { allLicenses } from '../licenses.ts'
import type { Serving } from '../serve.ts'
import type { Actor } from '../../shared/admin.ts'
import { sleep, type Chance, type Clock } from '../../shared/clock.ts'
import { parseAdminId, targetKeyOf, type ConnectorId, type LicenseId } from '../../shared/ids.ts'
import { licenseKeyOf } from '../../shared/license.ts'
import type { PlanIntent } from '../../shared/plan.ts'
import type { DeviceKeyFile } from './apple/device-control.ts'
import type { SampleOrganisation } from './sample-organisation.ts'

const lookEveryMs = 50
const longestSyncMs = 60_000
const longestNamesMs = 15_000

/** `tokenFiles` by location, `deviceKeys` by organisation, `others`: what it has at other stores. Comes back when the licenses are synced and the assignments stand; seats follow by themselves. */
export const moveIn = async (
  { house, imports }: Pick<Serving, 'house' | 'imports'>,
  organisation: SampleOrganisation,
  tokenFiles: ReadonlyMap<string, string>,
  deps: { readonly clock: Clock; readonly chance: Chance },
  deviceKeys: ReadonlyMap<string, DeviceKeyFile> = new Map(),
  others: readonly NewConnector[] = [],
): Promise<void> => {
  const { journal, connectors, syncs, workspace } = house
  if ((await connectors.list()).length > 0) return
  const id = parseAdminId('sample')
  if (id === undefined) throw new Error('demo: its own id is none')
  const actor: Actor = { kind: 'admin', id, name: organisation.name, role: 'owner' }

  // 1. People, devices, groups.
  for (const kind of importKinds) {
    const done = await imports.run(actor, kind, organisation.csv[kind], {
      dryRun: false,
      partial: false,
      changesFrom: 0,
      mostChanges: 0,
      errorsFrom: 0,
      mostErrors: 20,
    })
    if (!done.ok || done.value.is !== 'kept') throw new Error(`demo: the sample ${kind} were refused: ${JSON.stringify(done)}`)
  }

  // 2. Locations, each synced whole.
  const connectorByLocation = new Map<string, ConnectorId>()
  for (const { uId, organisation: name = uId } of organisation.locations) {
    const added = await connectors.add(actor, {
      kind: 'apple-apps-books',
      name,
      credential: { contentToken: tokenFiles.get(uId), ...(deviceKeys.has(name) ? { devices: deviceKeys.get(name) } : {}) },
      settings: {},
      scopeTags: [],
    })
    if (!added.ok) throw new Error(`demo: the sample location ${name} was refused: ${added.error.is}`)
    connectorByLocation.set(uId, added.value.id)
    await syncs.request(added.value.id, 'admin', true)
  }
  for (const other of others) {
    const added = await connectors.add(actor, other)
    if (!added.ok) throw new Error(`demo: ${other.name} was refused: ${added.error.is}`)
    await syncs.request(added.value.id, 'admin', true)
  }
  const isSynced = async (): Promise<boolean> => (await connectors.list()).every(({ lastGoodSyncAt }) => lastGoodSyncAt !== null)
  for (let waited = 0; waited < longestSyncMs && !(await isSynced()); waited += lookEveryMs) await sleep(deps.clock, lookEveryMs)
  // Names come after the counts, a call a second: a list of numbers would be a poor first sight.
  const isNamed = async (): Promise<boolean> => (await allLicenses(journal)).every(({ product }) => product.name !== product.id)
  for (let waited = 0; waited < longestNamesMs && !(await isNamed()); waited += lookEveryMs) await sleep(deps.clock, lookEveryMs)

  // 3. Assignments, those of one license as one edit.
  const groups = new Map((await journal.rows('groups')).map((group) => [group.name, group]))
  const licenses = new Map(
    (await allLicenses(journal)).map((license) => [
      `${license.connectorId}/${licenseKeyOf(license.product.id, license.pricing)}`,
      license.id,
    ]),
  )
  const intentsByLicense = new Map<LicenseId, PlanIntent[]>()
  for (const { location, adamId, pricingParam, target, mode, intent, licenseType } of organisation.assignments) {
    const license = licenses.get(`${connectorByLocation.get(location) ?? ''}/${licenseKeyOf(adamId, pricingParam)}`)
    const group = groups.get(target.name)
    if (license === undefined || group === undefined) throw new Error(`demo: ${adamId} or ${target.name} is missing after the first sync`)
    const intents = intentsByLicense.get(license) ?? []
    const wish = { mode, intent, licenseType, rev: 1 } as const
    intents.push({ part: 'wish', target: targetKeyOf({ kind: 'group', id: group.id }), wish, baseRev: 0, confirmed: true })
    intentsByLicense.set(license, intents)
  }
  for (const [license, intents] of intentsByLicense) {
    const taken = await workspace.takeIntents(actor, license, intents, 'The first assignments of the sample organisation', 'server')
    if ('code' in taken) throw new Error(`demo: a sample assignment was refused: ${taken.text}`)
  }
}
