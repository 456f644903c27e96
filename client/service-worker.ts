/// <reference lib="webworker" />
/**
 * Keeps the console's own files, so that it opens without a network, and the icons that were seen. Data never passes
 * through here: facts and edits live in the local database, and every address of the server's API goes straight to the
 * network.
 */
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute, type PrecacheEntry } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'
import { answerIcon, iconCacheName, isIconPath } from './icon-cache.ts'

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: readonly (PrecacheEntry | string)[] }

precacheAndRoute([...self.__WB_MANIFEST])
cleanupOutdatedCaches()

registerRoute(
  new NavigationRoute(createHandlerBoundToURL('index.html'), {
    denylist: [/^\/(api|sync|hooks|healthz|readyz|metrics|scim|icons|self-service)(\/|$|\?)/],
  }),
)

// The browser's own cache keeps none beside: signing out clears this one.
const askForIcon = (request: Request): Promise<Response> => fetch(request, { cache: 'no-store' })
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && isIconPath(url.pathname),
  async ({ request }) => await answerIcon({ cache: await caches.open(iconCacheName), fetch: askForIcon }, request),
)

// The new build takes over when someone has said so, and not while a tab works with the old one.
self.addEventListener('message', (event) => {
  const message: unknown = event.data
  if (typeof message === 'object' && message !== null && Reflect.get(message, 'type') === 'SKIP_WAITING') void self.skipWaiting()
})
