import { describe, expect, test } from 'vitest'
import { isItem, openDesk } from './apple-desk.ts'

const APP = '900000011'

const furnished = () => {
  const desk = openDesk()
  desk.control.own(desk.uId, APP, {
    total: 10,
    product: { name: 'Notes & <Sketches>', publisher: 'Sample', kind: 'iosSoftware', genres: ['Education'], price: 0 },
  })
  const ask = (path: string, init?: RequestInit) => desk.sandbox.fetch(new Request(`http://127.0.0.1:9/control${path}`, init))
  const act = async (body: unknown, headers: Record<string, string> = {}) => {
    const response = await ask('/act', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const answer: unknown = await response.json()
    return { status: response.status, body: isItem(answer) ? answer : {} }
  }
  const submit = (fields: Record<string, string>) => ask('/act', { method: 'POST', body: new URLSearchParams(fields) })
  const json = async (path: string): Promise<unknown> => (await ask(path)).json()
  return { desk, ask, act, submit, json }
}

describe('as JSON', () => {
  test('a refund, a seat given from outside and a seat freed again', async () => {
    const { desk, act, json } = furnished()
    const about = { location: desk.uId, adamId: APP }
    expect(await act({ act: 'set-total', ...about, total: 1 })).toEqual({ status: 200, body: { done: null } })
    const given = await act({ act: 'assign', ...about, serialNumbers: ['A', 'B'] })
    expect(given.body['done']).toEqual({ refused: [{ target: { kind: 'device', serialNumber: 'B' }, errorNumber: 9709 }] })
    expect(await json(`/api/locations/${desk.uId}/assets/${APP}/holders`)).toEqual([{ kind: 'device', serialNumber: 'A' }])
    await act({ act: 'free', ...about, serialNumbers: ['A'] })
    expect(await json(`/api/locations/${desk.uId}/assets`)).toMatchObject([{ adamId: APP, total: 1, assigned: 0, available: 1 }])
  })

  test('trouble is armed and cleared, switches and limits are set, the owner changes', async () => {
    const { desk, act, json } = furnished()
    const armed = await act({ act: 'arm-fault', fault: { is: 'connection-cut', when: 'after' }, endpoint: 'associate', times: 2 })
    expect(await json('/api/faults')).toMatchObject([{ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'associate', times: 2 }])
    expect(armed.body['done']).toEqual({ id: 1 })
    await act({ act: 'clear-faults' })
    expect(await json('/api/faults')).toEqual([])
    await act({ act: 'set-switches', changes: { pageSize: 7, listLagMs: { assets: 5, assignments: 0, users: 0 } } })
    expect(await json('/api/switches')).toMatchObject({ pageSize: 7, listLagMs: { assets: 5 }, eventLatencyMs: 400 })
    await act({ act: 'set-limits', changes: { maxAssets: 10, maxUsers: null } })
    const { limits } = (await desk.get('/service/config')).body
    expect(limits).toMatchObject({ maxAssets: 10 })
    expect(limits).not.toHaveProperty('maxUsers')
    await act({ act: 'set-owner', location: desk.uId, id: 'f', name: 'Fleetline', metadata: 'fleetline.example' })
    expect((await desk.get('/client/config')).body['mdmInfo']).toMatchObject({ name: 'Fleetline' })
  })

  test.each([
    [{ act: 'set-total', location: 'none', adamId: APP, total: 1 }, 'no location none'],
    [{ act: 'set-total', adamId: APP, total: 1 }, 'location'],
    [{ act: 'set-total', location: 'x', adamId: APP, total: -1 }, 'total'],
    [{ act: 'fly' }, 'act'],
    [{ act: 'arm-fault', fault: { is: 'flood' } }, 'fault.is'],
    [{ act: 'set-switches', changes: { pageSize: 0 } }, 'pageSize'],
    ['{', 'not JSON'],
  ])('what is wrong is named: %o', async (given, text) => {
    const answer = await furnished().act(given)
    expect(answer.status).toBe(400)
    expect(answer.body['error']).toContain(text)
  })

  test('a page of another site can not move seats', async () => {
    const { desk, act } = furnished()
    const about = { act: 'set-total', location: desk.uId, adamId: APP, total: 1 }
    expect((await act(about, { origin: 'https://elsewhere.example' })).status).toBe(403)
    expect(desk.control.counts(desk.uId, APP).total).toBe(10)
    expect((await act(about, { origin: 'http://127.0.0.1:9' })).status).toBe(200)
  })

  test('the state can be taken out and put back', async () => {
    const { desk, act, ask } = furnished()
    const saved = await (await ask('/api/snapshot')).text()
    await act({ act: 'set-total', location: desk.uId, adamId: APP, total: 1 })
    expect((await ask('/api/snapshot', { method: 'PUT', body: saved })).status).toBe(200)
    expect(desk.control.counts(desk.uId, APP).total).toBe(10)
    expect((await ask('/api/snapshot', { method: 'PUT', body: '{}' })).status).toBe(400)
  })
})

describe('as a page', () => {
  test('names are escaped, and nothing but its own style may load', async () => {
    const { desk, ask } = furnished()
    const page = await ask(`/locations/${desk.uId}`)
    const text = await page.text()
    expect(text).toContain('Notes &amp; &lt;Sketches&gt;')
    expect(text).not.toContain('<Sketches>')
    expect(text).not.toContain('<script')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect((await ask('')).status).toBe(200)
    expect((await ask('/style.css')).headers.get('content-type')).toContain('text/css')
    expect((await ask('/locations/none')).status).toBe(404)
  })

  test('a form moves a seat and leads back to its page', async () => {
    const { desk, submit, ask } = furnished()
    const back = `/control/locations/${desk.uId}/assets/${APP}/STDQ`
    const fields = { location: desk.uId, adamId: APP, pricingParam: 'STDQ', back }
    const answer = await submit({ act: 'assign', ...fields, serialNumbers: 'A\nB C' })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, back])
    expect(desk.control.counts(desk.uId, APP).assigned).toBe(3)
    expect(await (await ask(back.slice('/control'.length))).text()).toContain('3 assigned')
    await submit({ act: 'free', ...fields, serialNumbers: 'B' })
    expect(desk.control.counts(desk.uId, APP).assigned).toBe(2)
  })

  test("what Apple's rules refuse is said on the page, and a way back never leads elsewhere", async () => {
    const { desk, submit } = furnished()
    const refused = await submit({ act: 'retire-user', location: desk.uId, clientUserId: 'no', back: 'https://elsewhere.example/' })
    expect(refused.status).toBe(409)
    const text = await refused.text()
    expect(text).toContain('9609')
    expect(text).toContain('href="/control"')
    const wrong = await submit({ act: 'set-total', location: desk.uId, adamId: APP, total: 'many' })
    expect(wrong.status).toBe(400)
    expect(desk.control.counts(desk.uId, APP).total).toBe(10)
  })

  test('every switch on the form can be sent as it stands, and one changed value arrives', async () => {
    const { desk, ask, submit } = furnished()
    const text = await (await ask('')).text()
    const form = /<form[^>]*>(?:(?!<\/form>)[\s\S])*?value="set-switches"[\s\S]*?<\/form>/.exec(text)?.[0] ?? ''
    const fields: Record<string, string> = {}
    for (const [, name, value] of form.matchAll(/<input[^>]*name="([^"]+)"\s+value="([^"]*)"/g)) fields[name ?? ''] = value ?? ''
    for (const [, name, options] of form.matchAll(/<select[^>]*name="([^"]+)">([\s\S]*?)<\/select>/g)) {
      fields[name ?? ''] = /<option[^>]*selected[^>]*>([^<]*)</.exec(options ?? '')?.[1] ?? ''
    }
    const before = desk.control.switches()
    expect((await submit(fields)).status).toBe(303)
    expect(desk.control.switches()).toEqual(before)
    await submit({ ...fields, 'changes.repeatedWrite': 'v1-errors', 'changes.rateLimitRetryAfterSeconds': '9' })
    expect(desk.control.switches()).toEqual({ ...before, repeatedWrite: 'v1-errors', rateLimitRetryAfterSeconds: 9 })
  })

  test('the trouble form arms what it says, and its empty fields mean nothing', async () => {
    const { desk, submit } = furnished()
    const sent = {
      'fault.is': 'slow',
      'fault.ms': '250',
      'fault.when': 'after',
      'fault.retryAfter': '',
      endpoint: '',
      location: '',
      times: '1',
      skip: '',
    }
    expect((await submit({ act: 'arm-fault', ...sent })).status).toBe(303)
    expect(desk.control.faults.list()).toEqual([{ fault: { is: 'slow', ms: 250 }, times: 1, id: 1, struck: 0 }])
  })

  test('the token file can be downloaded', async () => {
    const { desk, ask } = furnished()
    const file = await ask(`/locations/${desk.uId}/token`)
    expect(await file.text()).toBe(desk.control.tokenFileFor(desk.uId))
    expect(file.headers.get('content-disposition')).toContain('.vpptoken')
  })
})
