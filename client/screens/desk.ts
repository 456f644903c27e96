/** What every screen is given beside the workspace: the address, the messages after an act, the theme, and a way to hand out a file. */
import { createContext } from 'svelte'
import type { Toasts } from '../parts/toasts.svelte.ts'
import type { Router } from '../router.svelte.ts'
import type { Theme } from './theme.svelte.ts'

export interface Desk {
  readonly router: Router
  readonly toasts: Toasts
  readonly theme: Theme
  /** Gives a file to the person. */
  download(name: string, mime: string, text: string): void
}

export const [useDesk, provideDesk] = createContext<Desk>()
