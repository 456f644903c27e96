/**
 * The seats of one read, as its pages come. A million of them are kept as numbers: each holder has a place in one list, and
 * a license keeps the places of its holders, 4 bytes a seat.
 */
import type { HolderKey, SeatRead } from './stores/store.ts'
import { licenseKeyOf } from '../shared/license.ts'

export interface ReadSeats {
  /** Everybody who holds one. A holder whom the store writes in two ways is here twice. */
  readonly holders: readonly HolderKey[]
  /** By `licenseKeyOf`: places in `holders`, in the order of the read. One that came on two pages is there twice. */
  readonly placesByLicense: ReadonlyMap<string, Uint32Array>
  /** As the pages told them. */
  readonly count: number
}

export interface SeatCollection {
  add(seats: readonly SeatRead[]): void
  /** The read begins anew. */
  clear(): void
  /** What was added so far. */
  seats(): ReadSeats
}

interface Places {
  list: Uint32Array
  length: number
}

const firstCapacity = 16

export const createSeatCollection = (): SeatCollection => {
  const holders: HolderKey[] = []
  const placeByKey = { user: new Map<string, number>(), device: new Map<string, number>() }
  const byLicense = new Map<string, Places>()
  let count = 0

  const placeOf = (holder: HolderKey): number => {
    const places = placeByKey[holder.kind]
    const held = places.get(holder.key)
    if (held !== undefined) return held
    places.set(holder.key, holders.length)
    return holders.push(holder) - 1
  }

  const placesOf = (productId: string, pricing: string | null): Places => {
    const key = licenseKeyOf(productId, pricing)
    const held = byLicense.get(key)
    if (held !== undefined) return held
    const fresh = { list: new Uint32Array(firstCapacity), length: 0 }
    byLicense.set(key, fresh)
    return fresh
  }

  const put = (places: Places, place: number): void => {
    if (places.length === places.list.length) {
      const grown = new Uint32Array(places.list.length * 2)
      grown.set(places.list)
      places.list = grown
    }
    places.list[places.length] = place
    places.length += 1
  }

  return {
    add: (seats) => {
      // Lists go product by product for long stretches: its places are looked up once for each.
      let last: SeatRead | undefined
      let places: Places | undefined
      for (const seat of seats) {
        if (places === undefined || last?.productId !== seat.productId || last.pricing !== seat.pricing)
          places = placesOf(seat.productId, seat.pricing)
        last = seat
        put(places, placeOf(seat.holder))
      }
      count += seats.length
    },
    clear: () => {
      holders.length = 0
      placeByKey.user.clear()
      placeByKey.device.clear()
      byLicense.clear()
      count = 0
    },
    seats: () => ({
      holders,
      placesByLicense: new Map([...byLicense].map(([key, { list, length }]) => [key, list.subarray(0, length)])),
      count,
    }),
  }
}
