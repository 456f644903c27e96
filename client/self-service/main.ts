/** Puts the people's own page together, in this browser. */
import './self-service.css'
import { createDoor } from './door.ts'
import { createPage } from './page.ts'

const root = document.getElementById('page')
if (root === null) throw new Error('self-service: the page has no place; self-service.html was changed?')
const page = createPage({ root, door: createDoor((...asked) => fetch(...asked)), now: () => Date.now() })

/** The signed part leaves the address at once, so that it stays in no history, copy or picture of the screen. */
const takeLink = (): string | undefined => {
  const link = location.hash.slice(1)
  if (location.hash !== '' || location.href.endsWith('#')) history.replaceState(null, '', location.pathname)
  return link === '' ? undefined : link
}

const tickMs = 2_500
const tick = (): void => {
  setTimeout(tick, tickMs)
  if (document.visibilityState === 'visible' && page.nextLookIn() === 0) void page.look()
}
const lookNow = (): void => {
  if (document.visibilityState === 'visible' && page.nextLookIn() !== undefined) void page.look()
}
document.addEventListener('visibilitychange', lookNow)
for (const event of ['focus', 'online', 'offline']) addEventListener(event, lookNow)
addEventListener('hashchange', () => {
  const link = takeLink()
  if (link !== undefined) void page.begin(link)
})

void page.begin(takeLink())
tick()
