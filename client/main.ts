/** Puts the screens on top of the workspace, in this browser. */
import { mount } from 'svelte'
import './styles/look.css'
import App from './App.svelte'
import { openInBrowser } from './browser.ts'
import { createToasts } from './parts/toasts.svelte.ts'
import { createRouter } from './router.svelte.ts'
import type { Desk } from './screens/desk.ts'
import { createTheme } from './screens/theme.svelte.ts'

const target = document.getElementById('app')
if (target === null) throw new Error('main: the page has no place for the console; index.html was changed?')

const desk: Desk = {
  router: createRouter(window),
  toasts: createToasts({
    after: (ms, act) => {
      const timer = setTimeout(act, ms)
      return () => clearTimeout(timer)
    },
  }),
  theme: createTheme(document.documentElement, localStorage),
  download: (name, mime, text) => {
    const address = URL.createObjectURL(new Blob([text], { type: mime }))
    const link = document.createElement('a')
    link.href = address
    link.download = name
    link.click()
    // Safari reads the address after the click.
    setTimeout(() => URL.revokeObjectURL(address), 10_000)
  },
}

// The bundler names this file after its content, so that the name tells one build from another.
const build = new URL(import.meta.url).pathname
mount(App, { target, props: { desk, workspace: openInBrowser(build) } })
