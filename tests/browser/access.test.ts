/** axe on every screen, in both themes and narrow. What axe can't see is tested by name and by keyboard elsewhere. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { openLicense, waitForOnline } from './acts.ts'
import { openTown, ownerEmail } from './town.ts'

const violations = async (page: Page): Promise<readonly string[]> => {
  const { violations: found } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze()
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
}

test.each([
  ['light', 1440],
  ['dark', 1440],
  ['light', 360],
] as const)(
  'axe finds nothing on any screen, %s, %i wide',
  async (colorScheme, width) => {
    await using town = await openTown()
    // A location that another service holds has more on its page.
    const [schools, , campus] = town.organisation.locations
    if (schools === undefined || campus === undefined) throw new Error('no locations')
    const connectors = (await town.ask('GET', '/connectors')).body as {
      readonly items: readonly { id: string; location: { key: string } }[]
    }
    const pageOf = (uId: string): string => `/connectors/${connectors.items.find(({ location }) => location.key === uId)?.id ?? ''}`
    town.sandbox.control.setOwner(campus.uId, { id: 'another', name: 'Fleetline', metadata: 'fleetline.example' })
    await town.ask('POST', `${pageOf(campus.uId)}/sync`, {})
    await town.serving.idle()
    const lost = (await town.ask('GET', '/devices?q=CL-IPAD-0002')).body as { readonly items: readonly { readonly id: string }[] }
    const [lostDevice] = lost.items
    if (lostDevice === undefined) throw new Error('no device')
    await town.ask('DELETE', `/devices/${lostDevice.id}`)
    const found: Record<string, readonly string[]> = {}
    const visitor = await (await town.browser()).newContext({ colorScheme, viewport: { width, height: 900 } })
    const door = await visitor.newPage()
    await door.goto(`${town.address}/sign-in`)
    await door.getByLabel('Email').fill(ownerEmail)
    found['sign-in'] = await violations(door)

    const { page } = await town.person({ colorScheme, width })
    await waitForOnline(page)
    for (const [path, name] of [
      ['/', 'Overview'],
      ['/licenses', 'Licenses'],
      ['/connectors', 'Connectors and tokens'],
      [`${pageOf(schools.uId)}?do=renew`, ''],
      [pageOf(campus.uId), ''],
      ['/activity', 'Activity'],
      ['/outbox', 'Outbox'],
      ['/nowhere', ''],
    ] as const) {
      await page.goto(`${town.address}${path}`)
      await page.getByRole('heading', { level: 1, ...(name === '' ? {} : { name }) }).waitFor()
      found[path] = await violations(page)
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      expect([path, sideways]).toEqual([path, 0])
    }
    if (width > 768) {
      await openLicense(page, 'Notability')
      found['license'] = await violations(page)
      await page.getByRole('button', { name: 'Assign', exact: true }).first().click()
      await page.getByRole('dialog').getByRole('combobox').fill('iPad')
      found['assign'] = await violations(page)
      await page.goto(`${town.address}/licenses?kind=book`)
      for (const at of [0, 1])
        await page
          .getByRole('checkbox', { name: /^Choose (?!all)/ })
          .nth(at)
          .check()
      await page.getByRole('toolbar').getByRole('button', { name: 'Assign' }).click()
      await page.getByRole('dialog').getByRole('combobox').fill('Library staff')
      await page
        .getByRole('dialog')
        .getByRole('option', { name: /Library staff/ })
        .click()
      await page.getByText('2 products: given for good').waitFor()
      found['assign-several'] = await violations(page)
    }
    expect(found).toEqual(Object.fromEntries(Object.keys(found).map((screen) => [screen, []])))
  },
  300_000,
)
