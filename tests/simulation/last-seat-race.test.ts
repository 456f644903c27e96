import { expect, test } from 'vitest'
import { atOnce, raceForLastSeats } from './last-seat-race.ts'

// `npm run simulate -- --last-seat` runs a thousand rounds.
test('two hundred at once for the last seat, over the API, the exchange and self-service: one has it, everybody else has a place in the line', async () => {
  const rounds = await raceForLastSeats({ rounds: 12, seed: 4 })
  expect(rounds.flatMap(({ round, wrong }) => wrong.map((why) => `round ${round}: ${why}`))).toEqual([])
  expect(rounds).toHaveLength(12)
  for (const { used, waiting } of rounds) expect({ used, waiting }).toEqual({ used: 1, waiting: atOnce - 1 })
}, 300_000)
