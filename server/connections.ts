/** The live links to the stores: one for each connector, made from its sealed credential when first needed. */
import type { Credentials } from './credentials.ts'
import type { Secret } from './secret.ts'
import type { ConnectionDeps, LocationIdentity, OwnerMark, Store, StoreConnection } from './stores/store.ts'
import type { ConnectorKind, ConnectorSettings } from '../shared/connector.ts'
import type { ConnectorId } from '../shared/ids.ts'

export interface Connections {
  storeOf(kind: ConnectorKind): Store | undefined
  /** Undefined: no credential is kept. */
  of(connector: ConnectorId, kind: ConnectorKind): Promise<StoreConnection | undefined>
  /** A link that is not kept, to try a credential out. */
  trial(kind: ConnectorKind, secret: Secret): StoreConnection
  /** After a renewal or a removal: the next call makes a new link. */
  drop(connector: ConnectorId): void
  /** Any answer of a store may name another holder of its Location than the answer before. Not told of trials. */
  onOwner(listener: (connector: ConnectorId, owner: NonNullable<LocationIdentity['owner']>) => void): void
  /** What stands on a Location that we hold, whichever connector led there: a connector that was removed and made again finds it its own. */
  readonly ownerMark: OwnerMark
}

export interface ConnectionsDeps extends Omit<ConnectionDeps, 'onOwner' | 'settings'> {
  /** As they are now. */
  readonly settingsOf?: (connector: ConnectorId) => Promise<ConnectorSettings | undefined>
  readonly credentials: Credentials
  readonly stores: readonly Store[]
  /** Our host's name: it stands on every Location that we hold. */
  readonly host: string
  /** The database's own id: the mark that is the same for ever. */
  readonly tenant: string
}

export const createConnections = (deps: ConnectionsDeps): Connections => {
  const linkByConnector = new Map<ConnectorId, Promise<StoreConnection | undefined>>()
  const storeOf = (kind: ConnectorKind): Store | undefined => deps.stores.find((store) => store.kind === kind)
  const ownerMark: OwnerMark = { id: deps.tenant, name: 'Quartermaster', metadata: deps.host }
  const listeners: Parameters<Connections['onOwner']>[0][] = []
  const link = (kind: ConnectorKind, secret: Secret, of: Pick<ConnectionDeps, 'onOwner' | 'settings'> = {}): StoreConnection => {
    const store = storeOf(kind)
    if (store === undefined) throw new Error(`connections: no store of kind ${kind} in this build`)
    const { clock, chance, fetch } = deps
    return store.connect({ clock, chance, fetch, ...of }, secret, ownerMark)
  }
  return {
    storeOf,
    ownerMark,
    trial: (kind, secret) => link(kind, secret),
    onOwner: (listener) => void listeners.push(listener),
    of: (connector, kind) => {
      const held = linkByConnector.get(connector)
      if (held !== undefined) return held
      const made = (async () => {
        const secret = await deps.credentials.unseal(connector)
        return secret === undefined
          ? undefined
          : link(kind, secret, {
              settings: async () => await deps.settingsOf?.(connector),
              onOwner: (owner) => {
                for (const listener of listeners) listener(connector, owner)
              },
            })
      })()
      linkByConnector.set(connector, made)
      // A link that could not be made is not remembered: the next call tries again.
      void made.then(
        (connection) => connection === undefined && linkByConnector.delete(connector),
        () => linkByConnector.delete(connector),
      )
      return made
    },
    drop: (connector) => void linkByConnector.delete(connector),
  }
}
