/** The address bar, as the screens read and change it. Links are plain `<a href>`: what stays in the console is taken up here. */
import { pathOf, routeOf, type Route } from './routes.ts'

export interface Router {
  readonly route: Route
  /** What stands after the question mark. */
  readonly query: URLSearchParams
  go(to: Route | string, how?: 'push' | 'replace'): void
  /** Changes the query without a new entry: a filter is not a place. An empty value takes a name out. */
  setQuery(change: { readonly [name: string]: string }): void
  close(): void
}

export const createRouter = (window: Window): Router => {
  const { history, location, document } = window
  let path = $state(location.pathname)
  let search = $state(location.search)
  const route = $derived(routeOf(path))
  const query = $derived(new URLSearchParams(search))

  const read = (): void => {
    path = location.pathname
    search = location.search
  }

  const go = (to: Route | string, how: 'push' | 'replace' = 'push'): void => {
    const address = typeof to === 'string' ? to : pathOf(to)
    if (how === 'push' && address !== location.pathname + location.search) history.pushState(null, '', address)
    else history.replaceState(null, '', address)
    read()
  }

  const follow = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const target = event.target
    const link = target instanceof Element ? target.closest('a[href]') : null
    if (!(link instanceof HTMLAnchorElement) || link.target !== '' || link.hasAttribute('download')) return
    const there = new URL(link.href)
    if (there.origin !== location.origin || there.pathname.startsWith('/api/')) return
    event.preventDefault()
    go(there.pathname + there.search)
  }

  window.addEventListener('popstate', read)
  document.addEventListener('click', follow)

  return {
    get route() {
      return route
    },
    get query() {
      return query
    },
    go,
    setQuery: (change) => {
      const next = new URLSearchParams(search)
      for (const [name, value] of Object.entries(change))
        if (value === '') next.delete(name)
        else next.set(name, value)
      const text = next.toString()
      search = text === '' ? '' : `?${text}`
      try {
        history.replaceState(null, '', location.pathname + search)
      } catch {
        // Safari allows 100 changes in 30 s, and someone types faster: the screen goes on, the address follows with the next one.
      }
    },
    close: () => {
      window.removeEventListener('popstate', read)
      document.removeEventListener('click', follow)
    },
  }
}
