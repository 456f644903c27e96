/**
 * What one cloud project may ask of Google, shared by all connectors of the project: 1,000 requests in 100 s. The connectors
 * take turns, so that a long reading of one holds up no other; what a person waits for goes first.
 * Source: docs/stores/android-management.md, "Pace".
 */
import type { Clock } from '../../../../shared/clock.ts'

export interface ProjectBudget {
  /** For one connector: resolves when its next request may go. */
  share(): (urgent: boolean) => Promise<void>
}

/** At once, and then so many a second: never more than 1,000 in any 100 s. */
const atOnce = 100
const perSecond = 9

interface Share {
  readonly urgent: (() => void)[]
  readonly patient: (() => void)[]
}

export const createProjectBudget = (clock: Clock): ProjectBudget => {
  let left = atOnce
  let countedAt = clock.now()
  let isTimed = false
  /** In the order in which they are served next; only those that wait. */
  const turns: Share[] = []

  const count = (): void => {
    const now = clock.now()
    // A clock that was set back gives nothing, and takes nothing.
    left = Math.min(atOnce, left + (Math.max(0, now - countedAt) / 1000) * perSecond)
    countedAt = now
  }

  const pump = (): void => {
    count()
    while (left >= 1 && turns.length > 0) {
      const at = Math.max(
        0,
        turns.findIndex(({ urgent }) => urgent.length > 0),
      )
      const share = turns[at]
      const go = share?.urgent.shift() ?? share?.patient.shift()
      turns.splice(at, 1)
      if (share !== undefined && share.urgent.length + share.patient.length > 0) turns.push(share)
      if (go === undefined) continue
      left -= 1
      go()
    }
    if (turns.length === 0 || isTimed) return
    isTimed = true
    clock.after(Math.ceil(((1 - left) / perSecond) * 1000), () => {
      isTimed = false
      pump()
    })
  }

  return {
    share: () => {
      const share: Share = { urgent: [], patient: [] }
      return (urgent) =>
        new Promise((go) => {
          ;(urgent ? share.urgent : share.patient).push(go)
          if (!turns.includes(share)) turns.push(share)
          pump()
        })
    },
  }
}
