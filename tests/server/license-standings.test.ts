import { expect, test } from 'vitest'
import { createLicenseStandings } from '../../server/license-standings.ts'
import { parseLicenseId, type LicenseId } from '../../shared/ids.ts'
import { keynote, openSchool } from './routes/desk.ts'

const idOf = (text: string): LicenseId => {
  const id = parseLicenseId(text)
  if (id === undefined) throw new Error('no license')
  return id
}

test('a license is weighed once for all who ask, and anew after anything was written or five seconds have passed', async () => {
  await using school = await openSchool()
  const { journal, directory } = school.composed.house
  const standings = createLicenseStandings({ journal, directory, clock: school.clock })
  const license = idOf(await school.idOf('licenses', keynote))
  const [first, second] = await Promise.all([standings.of(license), standings.of(license)])
  expect(first).toBe(second)
  expect(first).toMatchObject({ free: 3, hasLine: false })
  expect(await standings.of(license)).toBe(first)
  await school.post('assignments', { licenseId: license, target: { kind: 'group', id: await school.idOf('groups', 'Tablets') } })
  const after = await standings.of(license)
  expect(after).toMatchObject({ free: 0, hasLine: true, verdicts: 4 })
  await school.settle(5_000)
  const later = await standings.of(license)
  expect(await standings.of(license)).toBe(later)
  school.clock.pass(5_001)
  expect(await standings.of(license)).not.toBe(later)
  expect(await standings.of(idOf('l99'))).toBeUndefined()
})
