import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { waitForOnline } from './acts.ts'
import { openTown, type Town } from './town.ts'

const connectorAt = async (town: Town, uId: string): Promise<{ readonly id: string; readonly name: string }> => {
  const { body } = await town.ask('GET', '/connectors')
  const found = (body as { readonly items: readonly { id: string; name: string; location: { key: string } | null }[] }).items.find(
    ({ location }) => location?.key === uId,
  )
  if (found === undefined) throw new Error(`no connector at ${uId}`)
  return found
}
const giveFile = (page: Page, text: string) =>
  page.locator('input[type=file]').setInputFiles({ name: 'token.vpptoken', mimeType: 'text/plain', buffer: Buffer.from(text) })

test('a token that the store no longer accepts is renewed by following the page: the wrong file is refused with both names, the right one is checked, and nothing else changes', async () => {
  await using town = await openTown()
  const [schools, clinic] = town.organisation.locations
  if (schools === undefined || clinic === undefined) throw new Error('no locations')
  const { id, name } = await connectorAt(town, clinic.uId)
  town.sandbox.control.revokeToken(clinic.uId)
  await town.ask('POST', `/connectors/${id}/sync`, {})
  await town.serving.idle()

  const { page } = await town.person()
  await waitForOnline(page)
  // What needs attention leads there by itself.
  await page.getByRole('link', { name: `Open ${name}` }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
  await page.getByText('The store no longer accepts the token').first().waitFor()
  await page.getByRole('button', { name: 'Renew', exact: true }).click()
  const runbook = page.getByRole('region', { name: 'Renew the token' })
  await runbook.getByText('Sign in to Apple Business Manager').waitFor()
  await runbook.getByText(/only the right to assign licenses/).waitFor()
  await runbook.getByText(/the one whose number ends in …/).waitFor()

  await giveFile(page, town.sandbox.control.tokenFileFor(schools.uId))
  await runbook.getByRole('button', { name: 'Renew now' }).click()
  const refused = runbook.getByRole('alert').filter({ hasText: 'This file is of another location' })
  await refused.getByText(/is for Eastmere Schools.*for Eastmere Clinic.*Nothing was changed/).waitFor()

  await giveFile(page, 'this is no token')
  await runbook.getByRole('button', { name: 'Renew now' }).click()
  await runbook.getByRole('alert').filter({ hasText: 'no token file' }).waitFor()

  const before = (await town.ask('GET', `/licenses?limit=500&connector=${id}`)).body as { readonly items: readonly unknown[] }
  await giveFile(page, town.sandbox.control.newToken(clinic.uId))
  await runbook.getByRole('button', { name: 'Renew now' }).click()
  const renewed = page.getByRole('region', { name: 'The token is renewed' })
  await renewed.getByText('The store accepts it.').waitFor()
  await renewed.getByText(/It is of the same location:/).waitFor()
  await renewed.getByText(/Untouched: 27 licenses/).waitFor()
  await page.getByText('The store no longer accepts the token').waitFor({ state: 'detached' })
  await town.serving.idle()
  const after = (await town.ask('GET', `/licenses?limit=500&connector=${id}`)).body as { readonly items: readonly unknown[] }
  expect(after.items.length).toBe(before.items.length)
  expect((await connectorAt(town, clinic.uId)).id).toBe(id)
})
