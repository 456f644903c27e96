/** Rows of one height, made only for the part of a long list that is looked at; a million scroll as smoothly as a hundred. */

export interface VirtualRows {
  readonly from: number
  readonly to: number
  /** Heights of the parts left out, in pixels. */
  readonly before: number
  readonly after: number
  /** Of the element that scrolls. */
  readonly scroller: (element: HTMLElement) => () => void
  /** Of one row: its real height is measured, since a person may have enlarged the type. */
  readonly row: (element: HTMLElement) => () => void
  /** Scrolls so that the row can be seen. */
  show(index: number): void
}

/** Rows kept ready on either side, so that a quick turn of the wheel shows no gap. */
const spare = 12

export const createVirtualRows = (count: () => number, likelyRowPx: number): VirtualRows => {
  let rowPx = $state(likelyRowPx)
  let scrollTop = $state(0)
  let viewPx = $state(800)
  let scrolling: HTMLElement | undefined
  const from = $derived(Math.max(0, Math.min(count(), Math.floor(scrollTop / rowPx) - spare)))
  const to = $derived(Math.min(count(), Math.ceil((scrollTop + viewPx) / rowPx) + spare))

  return {
    get from() {
      return from
    },
    get to() {
      return to
    },
    get before() {
      return from * rowPx
    },
    get after() {
      return Math.max(0, count() - to) * rowPx
    },
    scroller: (element) => {
      scrolling = element
      const read = (): void => {
        scrollTop = element.scrollTop
      }
      const resized = new ResizeObserver(() => {
        viewPx = element.clientHeight
        read()
      })
      element.addEventListener('scroll', read, { passive: true })
      resized.observe(element)
      return () => {
        element.removeEventListener('scroll', read)
        resized.disconnect()
        scrolling = undefined
      }
    },
    row: (element) => {
      const resized = new ResizeObserver(() => {
        const height = element.getBoundingClientRect().height
        if (height > 0 && Math.abs(height - rowPx) > 0.25) rowPx = height
      })
      resized.observe(element)
      return () => resized.disconnect()
    },
    show: (index) => {
      if (scrolling === undefined) return
      const top = index * rowPx
      // The head and the foot of a table stay in view and cover a row each.
      if (top < scrolling.scrollTop + rowPx) scrolling.scrollTop = Math.max(0, top - rowPx)
      else if (top + 3 * rowPx > scrolling.scrollTop + scrolling.clientHeight)
        scrolling.scrollTop = top + 3 * rowPx - scrolling.clientHeight
    },
  }
}
