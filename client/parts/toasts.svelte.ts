/** What was done, and the way back: leaves after eight seconds, or stays while it is pointed at. Never the only place of a fault. */
import type { Clock } from '../../shared/clock.ts'

export interface Toast {
  readonly id: number
  readonly text: string
  readonly sub: string | undefined
  readonly act: { readonly label: string; readonly run: () => void } | undefined
}

export interface Toasts {
  readonly shown: readonly Toast[]
  show(text: string, more?: { readonly sub?: string; readonly act?: { readonly label: string; readonly run: () => void } }): void
  close(id: number): void
  /** While pointed at, nothing leaves. */
  hold(held: boolean): void
}

const stayMs = 8000
const mostShown = 3

export const createToasts = (clock: Pick<Clock, 'after'>): Toasts => {
  let shown = $state.raw<readonly Toast[]>([])
  let held = false
  let last = 0
  const close = (id: number): void => {
    shown = shown.filter((toast) => toast.id !== id)
  }
  const leaveLater = (id: number): void => {
    clock.after(stayMs, () => (held ? leaveLater(id) : close(id)))
  }
  return {
    get shown() {
      return shown
    },
    show: (text, more = {}) => {
      last += 1
      shown = [...shown, { id: last, text, sub: more.sub, act: more.act }].slice(-mostShown)
      leaveLater(last)
    },
    close,
    hold: (now) => {
      held = now
    },
  }
}
