/** People, devices and groups, for choosing a target and for naming principals. */
import type { TargetKey } from '../shared/ids.ts'

export interface TargetFound {
  readonly key: TargetKey
  readonly kind: 'user' | 'device' | 'group' | 'all-users' | 'all-devices'
  readonly name: string
  readonly detail: string
}
