/** Icons are drawn in a process of their own, which may break down without harm. */
import { readdirSync, readFileSync } from 'node:fs'
import sharp from 'sharp'
import { afterAll, expect, test } from 'vitest'
import { createIconProcess } from '../../server/icon-process.ts'
import { systemClock } from '../../server/system-clock.ts'
import { handClock } from '../world/hand-clock.ts'

const red = await sharp({ create: { width: 128, height: 128, channels: 3, background: '#c00' } })
  .png()
  .toBuffer()

/** Processes of this one's that draw. */
const drawing = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const parent = /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
        return parent === String(process.pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('icon-process-main')
      } catch {
        return false
      }
    })
    .map(Number)

afterAll(() => {
  for (const pid of drawing()) process.kill(pid, 'SIGKILL')
})

test('a picture is drawn elsewhere, what is none is refused, and both go on in one process', async () => {
  const draw = createIconProcess({ clock: systemClock })
  const [drawn, none] = await Promise.all([draw(red), draw(new TextEncoder().encode('<svg/>'))])
  if (!drawn.ok) throw new Error(drawn.error.is)
  expect(await sharp(drawn.value.large).metadata()).toMatchObject({ format: 'webp', width: 128 })
  expect(await sharp(drawn.value.small).metadata()).toMatchObject({ format: 'webp', width: 64 })
  expect(none).toEqual({ ok: false, error: { is: 'no-picture' } })
  expect(drawing()).toHaveLength(1)
  const [pid] = drawing()
  // Of the environment, which may hold a password, nothing is there.
  if (process.platform === 'linux') expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('PATH=')
  process.kill(pid ?? 0, 'SIGKILL')
})

test('a process that breaks down refuses the picture it was at, and the next one is drawn', async () => {
  const draw = createIconProcess({ clock: systemClock })
  expect((await draw(red)).ok).toBe(true)
  const at = draw(red)
  for (const pid of drawing()) process.kill(pid, 'SIGKILL')
  const broken = await at
  expect(broken.ok || broken.error.is === 'no-picture').toBe(true)
  expect((await draw(red)).ok).toBe(true)
})

test('with nothing to draw there is no process', async () => {
  for (const pid of drawing()) process.kill(pid, 'SIGKILL')
  const clock = handClock()
  const draw = createIconProcess({ clock })
  expect((await draw(red)).ok).toBe(true)
  expect(drawing().length).toBeGreaterThan(0)
  clock.pass(10_000)
  await expect.poll(drawing).toEqual([])
})
