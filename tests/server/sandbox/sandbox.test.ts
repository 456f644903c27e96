import { describe, expect, onTestFinished, test } from 'vitest'
import { CLINIC_UID, SCHOOLS_UID, sampleOrganisation } from '../../../server/sandbox/sample-organisation.ts'
import { startSandbox } from '../../../server/sandbox/sandbox.ts'
import { handClock, seededChance } from '../../world/hand-clock.ts'
import { START } from './apple-desk.ts'

const served = async () => {
  const clock = handClock(START)
  const sandbox = await startSandbox({ clock, chance: seededChance(2), port: 0, organisation: sampleOrganisation(START) })
  onTestFinished(() => sandbox.close())
  const authorization = `Bearer ${sandbox.control.tokenFileFor(SCHOOLS_UID)}`
  const get = (path: string) => fetch(sandbox.appsAndBooksUrl + path, { headers: { authorization } })
  const post = (path: string, body: unknown) =>
    fetch(sandbox.appsAndBooksUrl + path, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  return { clock, sandbox, get, post }
}

describe('over a real socket', () => {
  test('the sample organisation is there and tells its addresses as they were asked for', async () => {
    const { sandbox, get } = await served()
    expect(await (await get('/client/config')).json()).toMatchObject({ uId: SCHOOLS_UID, locationName: 'Eastmere Schools' })
    expect(await (await fetch(`${sandbox.appsAndBooksUrl}/service/config`)).json()).toMatchObject({
      urls: { contentMetadataLookup: sandbox.metadataUrl, getAssets: `${sandbox.appsAndBooksUrl}/assets` },
    })
    expect((await fetch(sandbox.controlUrl)).status).toBe(200)
  })

  test('a cut after the store accepted ends the connection, and the seat is taken', async () => {
    const { clock, sandbox, post } = await served()
    const { location, adamId } = sampleOrganisation(START).lastSeat
    sandbox.control.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'associate', times: 1 })
    await expect(post('/assets/associate', { assets: [{ adamId, pricingParam: 'STDQ' }], serialNumbers: ['A'] })).rejects.toThrow(
      'fetch failed',
    )
    clock.pass(1000)
    expect(sandbox.control.holders(location, adamId).at(-1)).toEqual({ kind: 'device', serialNumber: 'A' })
    expect(sandbox.control.counts(location, adamId)).toMatchObject({ available: 0 })
  })

  test('closing ends what is still being answered and frees the port', async () => {
    const { sandbox, get } = await served()
    sandbox.control.faults.arm({ fault: { is: 'slow', ms: 3_600_000 }, endpoint: 'assets', times: 1 })
    const hanging = get('/assets')
    while (sandbox.control.requests().length === 0) await new Promise((resolve) => setImmediate(resolve))
    const [answer] = await Promise.allSettled([hanging, sandbox.close()])
    expect(answer.status).toBe('rejected')
    await expect(get('/assets')).rejects.toThrow('fetch failed')
  })

  test('a saved state is taken up again instead of the sample', async () => {
    const { sandbox } = await served()
    sandbox.control.renameLocation(CLINIC_UID, 'Eastmere Hospital')
    const again = await startSandbox({
      clock: handClock(START),
      chance: seededChance(3),
      port: 0,
      organisation: sampleOrganisation(START),
      state: sandbox.control.snapshot(),
    })
    onTestFinished(() => again.close())
    expect(again.control.locations().map(({ name }) => name)).toContain('Eastmere Hospital')
    expect(again.control.tokenFileFor(CLINIC_UID)).toBe(sandbox.control.tokenFileFor(CLINIC_UID))
  })
})
