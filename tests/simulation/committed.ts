/** What is on the server's disk, read at each commit: what a checker may believe. */
import { isColumnsKey, parseChunkKey, readColumns, readRows, type Columns } from '../../shared/facts.ts'
import { parseLicenseId, type LicenseId } from '../../shared/ids.ts'
import type { PlacedWish } from '../../shared/assignment.ts'
import type { License } from '../../shared/license.ts'
import type { Order } from '../../shared/order.ts'
import type { Disk } from '../world/disk.ts'

export interface CommittedLicense {
  license: License | undefined
  seats: Columns
  orders: readonly Order[]
  wishes: readonly PlacedWish[]
}

export interface Committed {
  readonly licenses: ReadonlyMap<LicenseId, CommittedLicense>
  /** Reads what changed, and gives which licenses it concerned, with what was there before. */
  refresh(): readonly { readonly id: LicenseId; readonly before: CommittedLicense; readonly now: CommittedLicense }[]
  seq(): number
}

const nothing = (): CommittedLicense => ({ license: undefined, seats: readColumns('seats/l0' as never, undefined), orders: [], wishes: [] })

interface ChunkRow {
  readonly key: string
  readonly seq: number
  readonly bytes: Buffer
}

export const readCommitted = (disk: Disk): Committed => {
  const licenses = new Map<LicenseId, CommittedLicense>()
  let seq = -1
  return {
    licenses,
    seq: () => seq,
    refresh: () => {
      const rows = disk.handle.prepare<[number], ChunkRow>('select key, seq, bytes from chunks where seq > ? order by seq').all(seq)
      const touched = new Map<LicenseId, CommittedLicense>()
      const touch = (id: LicenseId): CommittedLicense => {
        const held = licenses.get(id) ?? nothing()
        licenses.set(id, held)
        if (!touched.has(id)) touched.set(id, { ...held })
        return held
      }
      for (const row of rows) {
        seq = row.seq
        const key = parseChunkKey(row.key)
        if (key === undefined) continue
        const at = key.indexOf('/')
        const id = at < 0 ? undefined : parseLicenseId(key.slice(at + 1))
        if (key.startsWith('licenses/')) {
          for (const license of readRows(key as 'licenses/0', row.bytes)) touch(license.id).license = license
        } else if (id !== undefined && isColumnsKey(key) && key.startsWith('seats/')) touch(id).seats = readColumns(key, row.bytes)
        else if (id !== undefined && key.startsWith('orders/')) touch(id).orders = readRows(`orders/${id}`, row.bytes)
        else if (id !== undefined && key.startsWith('wishes/')) touch(id).wishes = readRows(`wishes/${id}`, row.bytes)
      }
      return [...touched].map(([id, before]) => ({ id, before, now: licenses.get(id) ?? nothing() }))
    },
  }
}
