/** What the page shows, and what its buttons do. Everything shown came from the server, and says how old it is. */
import type { Door, DoorFailed, Mine } from './door.ts'
import { brand, element, icon, lettersOf } from './markup.ts'
import { buttonOf, notesOf, partOf, statusOf, type Offer, type OfferAct, type Part } from './offer.ts'
import { fullTime } from '../parts/times.ts'
import type { Result } from '../../shared/result.ts'

export interface PageDeps {
  readonly root: HTMLElement
  readonly door: Door
  /** Milliseconds since 1970, by this device. */
  readonly now: () => number
}

export interface Page {
  /** With the signed part of a link, or without one for who has opened theirs already. */
  begin(link: string | undefined): Promise<void>
  /** Asks the server anew; nothing while an act or another look is under way. */
  look(): Promise<void>
  /** Milliseconds until looking anew is worth it: soon while something is under way at the store. Undefined: nothing is shown. */
  nextLookIn(): number | undefined
}

type Shown =
  | { readonly is: 'opening' }
  | { readonly is: 'closed'; readonly title: string; readonly text: string }
  | { readonly is: 'mine'; readonly mine: Mine; readonly at: number; readonly isOffline: boolean; readonly failed: string | undefined }

const headings: readonly (readonly [Part, string])[] = [
  ['yours', 'What you have'],
  ['coming', 'What you wait for'],
  ['offered', 'What you can take'],
]
const usualMs = 60_000
const soonMs = 5_000
const offlineText = 'No connection. Nothing can be taken or given back until it is there again, and nothing is kept to be sent later.'

export const createPage = ({ root, door, now }: PageDeps): Page => {
  let shown: Shown = { is: 'opening' }
  let acting: string | undefined
  let isLooking = false
  let lookedAt = 0
  const says = element('p', { class: 'hidden', role: 'status' })
  const frame = element('div')
  root.replaceChildren(frame, says)

  const say = (words: string): void => void (says.textContent = words)

  const show = (next: Shown): void => {
    shown = next
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset['of'] : undefined
    frame.replaceChildren(...(next.is === 'mine' ? pageOf(next) : noticeOf(next)))
    if (focused === undefined) return
    const again = frame.querySelector<HTMLElement>(`button[data-of="${CSS.escape(focused)}"]`)
    ;(again ?? frame.querySelector<HTMLElement>(`h3[data-of="${CSS.escape(focused)}"]`) ?? frame.querySelector('main'))?.focus()
  }

  const close = (failed: Extract<DoorFailed, { is: 'closed' }>): void => show({ is: 'closed', title: failed.title, text: failed.text })
  /** What failed while nothing is shown yet stands alone; else it stands above what was known. */
  const fail = (failed: DoorFailed): void => {
    if (failed.is === 'closed') return close(failed)
    if (shown.is === 'mine')
      show({ ...shown, isOffline: failed.is === 'offline', failed: failed.is === 'offline' ? shown.failed : failed.text })
    else if (failed.is === 'offline')
      show({
        is: 'closed',
        title: 'No connection',
        text: 'What is offered to you could not be read. Open your link once more when there is a connection.',
      })
    else show({ is: 'closed', title: 'It could not be read', text: failed.text })
  }

  const look: Page['look'] = async () => {
    if (isLooking || acting !== undefined || shown.is === 'closed') return
    isLooking = true
    lookedAt = now()
    const read = await door.mine()
    isLooking = false
    if (!read.ok) return fail(read.error)
    // An act that began meanwhile looks by itself when it is done.
    if (acting !== undefined) return
    show({ is: 'mine', mine: read.value, at: now(), isOffline: false, failed: undefined })
  }

  const act = async (offer: Offer, what: OfferAct): Promise<void> => {
    if (shown.is !== 'mine' || acting !== undefined || shown.isOffline) return
    if (!(await confirmed(offer, what))) return
    acting = offer.id
    show({ ...shown, failed: undefined })
    const done: Result<Offer | undefined, DoorFailed> =
      what === 'take' ? await door.take(offer.id, offer.isForGood) : await door.giveBack(offer.id)
    acting = undefined
    if (!done.ok) {
      fail(done.error)
      say(done.error.is === 'offline' ? offlineText : done.error.text)
      return
    }
    const after = done.value
    if (after !== undefined) say(`${after.name}: ${statusOf(after).words}. ${notesOf(after).join(' ')}`)
    await look()
  }

  /** Asks before what can't be undone, and before a seat is let go that somebody else may get. */
  const confirmed = (offer: Offer, what: OfferAct): Promise<boolean> => {
    const question =
      what === 'take' && offer.isForGood && offer.state !== 'returning'
        ? {
            title: `Take ${offer.name} for good?`,
            text: 'It can never be given back, not even when you leave. Take it only if you mean to use it.',
            yes: 'Take for good',
          }
        : what === 'give-back' && offer.state === 'held'
          ? {
              title: `Give ${offer.name} back?`,
              text: 'The next person in the line gets it. To have it again you take it anew, and may have to wait.',
              yes: 'Give back',
            }
          : undefined
    return question === undefined ? Promise.resolve(true) : ask(question.title, question.text, question.yes)
  }

  const leave = async (): Promise<void> => {
    const left = await door.leave()
    if (left.ok) show({ is: 'closed', title: 'Closed', text: 'Nobody can go on here without your link. What you have stays yours.' })
    else fail(left.error)
  }

  const pageOf = (all: Extract<Shown, { is: 'mine' }>): readonly Node[] => {
    const { mine, at, isOffline, failed } = all
    const leaving = element('button', { class: 'btn', type: 'button', 'data-of': ' close' }, 'Close')
    leaving.addEventListener('click', () => void leave())
    const again = element('button', { class: 'btn', type: 'button', 'data-of': ' again' }, icon('sync'), 'Look again')
    again.addEventListener('click', () => void look())
    const parts = headings.flatMap(([part, heading]) => {
      const offers = mine.offers.filter((offer) => partOf(offer) === part)
      if (offers.length === 0) return []
      return [
        element(
          'section',
          { 'aria-labelledby': part },
          element('h2', { id: part }, heading),
          element('ul', { class: 'offers' }, ...offers.map((offer) => rowOf(offer, isOffline))),
        ),
      ]
    })
    const oldest = mine.offers.reduce<string | undefined>(
      (least, { asOf }) => (least === undefined || asOf < least ? asOf : least),
      undefined,
    )
    return [
      element(
        'header',
        { class: 'top' },
        brand(),
        element('span', { class: 'who' }, mine.name),
        element('span', { class: 'push' }),
        leaving,
      ),
      element(
        'main',
        { tabindex: '-1' },
        element(
          'div',
          { class: 'intro' },
          element('h1', {}, 'Apps and books for you'),
          element('p', { class: 'quiet' }, 'From your organisation. Take what you need, and give back what you do not use.'),
        ),
        isOffline && element('p', { class: 'message offline', role: 'status' }, icon('offline'), element('span', {}, offlineText)),
        failed !== undefined && element('p', { class: 'message bad', role: 'alert' }, icon('bad'), element('span', {}, failed)),
        ...parts,
        parts.length === 0 &&
          element(
            'div',
            { class: 'place' },
            element('h2', {}, 'Nothing is offered to you now'),
            element('p', { class: 'quiet' }, 'When your organisation offers you an app or a book, it appears here.'),
          ),
        element(
          'div',
          { class: 'foot' },
          again,
          element(
            'span',
            {},
            `As of ${fullTime(at, now())}${oldest === undefined || oldest === '' ? '' : `, by the store’s counts of ${fullTime(oldest, now())}`}`,
          ),
        ),
      ),
    ]
  }

  const rowOf = (offer: Offer, isOffline: boolean): HTMLElement => {
    const status = statusOf(offer)
    const button = buttonOf(offer)
    const isActing = acting === offer.id
    return element(
      'li',
      {},
      element('span', { class: `tile${offer.isBook ? ' book' : ''}`, 'aria-hidden': 'true' }, lettersOf(offer.name)),
      element(
        'div',
        { class: 'what' },
        element('h3', { tabindex: '-1', 'data-of': offer.id }, offer.name),
        offer.publisher !== '' && element('p', { class: 'note' }, offer.publisher),
        element('p', { class: `status ${status.look}` }, icon(status.icon), element('span', {}, status.words)),
        ...notesOf(offer).map((note) => element('p', { class: 'note' }, note)),
      ),
      button && buttonFor(offer, button, isActing, isOffline),
    )
  }

  const buttonFor = (
    offer: Offer,
    button: NonNullable<ReturnType<typeof buttonOf>>,
    isActing: boolean,
    isOffline: boolean,
  ): HTMLElement => {
    const isOff = isOffline || acting !== undefined
    const made = element(
      'button',
      {
        class: `btn${button.isMain && !isOff ? ' primary' : ''}`,
        type: 'button',
        'data-of': offer.id,
        'aria-disabled': isOff ? 'true' : undefined,
        title: isOffline ? 'No connection' : undefined,
      },
      isActing ? 'Asking' : button.label,
      element('span', { class: 'hidden' }, `: ${offer.name}`),
    )
    made.addEventListener('click', () => void act(offer, button.act))
    return made
  }

  const noticeOf = (notice: Exclude<Shown, { is: 'mine' }>): readonly Node[] => [
    element('header', { class: 'top' }, brand(), element('span', { class: 'who' }, 'Apps and books for you')),
    element(
      'main',
      { tabindex: '-1' },
      notice.is === 'opening'
        ? element(
            'div',
            { class: 'place', role: 'status' },
            element('h1', {}, 'Opening'),
            element('p', { class: 'quiet' }, 'What is offered to you is being read.'),
          )
        : element('div', { class: 'place', role: 'alert' }, element('h1', {}, notice.title), element('p', { class: 'quiet' }, notice.text)),
    ),
  ]

  show(shown)
  return {
    begin: async (link) => {
      show({ is: 'opening' })
      const opened = link === undefined ? undefined : await door.open(link)
      if (opened?.ok === false) fail(opened.error)
      else await look()
    },
    look,
    nextLookIn: () => {
      if (shown.is !== 'mine') return undefined
      const isUnsettled = shown.mine.offers.some(({ state }) => state === 'coming' || state === 'returning')
      return Math.max(0, lookedAt + (isUnsettled ? soonMs : usualMs) - now())
    },
  }
}

/** A question with two answers; Esc is no. */
const ask = (title: string, text: string, yes: string): Promise<boolean> =>
  new Promise((resolve) => {
    const before = document.activeElement
    const no = element('button', { class: 'btn large', type: 'button' }, 'Cancel')
    const go = element('button', { class: 'btn large danger', type: 'button' }, yes)
    const dialog = element(
      'dialog',
      { class: 'dialog', 'aria-labelledby': 'question', 'aria-describedby': 'question-text' },
      element('header', {}, element('h2', { id: 'question' }, title)),
      element('div', { class: 'body' }, element('p', { id: 'question-text' }, text)),
      element('footer', {}, no, go),
    )
    const end = (answer: boolean): void => {
      dialog.close()
      dialog.remove()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
      resolve(answer)
    }
    dialog.addEventListener('cancel', (event) => {
      event.preventDefault()
      end(false)
    })
    no.addEventListener('click', () => end(false))
    go.addEventListener('click', () => end(true))
    document.body.append(dialog)
    dialog.showModal()
  })
