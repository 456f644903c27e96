/** A sandbox store over real HTTP. A connection that a fault cuts is reset, as a dropped line looks. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { getRequestListener } from '@hono/node-server'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'

export interface ServedStore {
  /** Without a trailing slash. */
  readonly url: string
  close(): Promise<void>
}

export interface ServeStoreOptions {
  /** 0 = any free port. */
  readonly port: number
  readonly hostname?: string
  readonly isConnectionCut: (error: unknown) => boolean
}

/** On loopback unless told otherwise. */
export const serveStore = async (
  fetch: (request: Request) => Promise<Response>,
  { port, hostname = '127.0.0.1', isConnectionCut }: ServeStoreOptions,
): Promise<ServedStore> => {
  const sockets = new Set<Socket>()
  const listener = getRequestListener(
    async (request, { incoming }) => {
      try {
        return await fetch(request)
      } catch (error) {
        if (!isConnectionCut(error)) throw error
        incoming.socket?.destroy()
        return RESPONSE_ALREADY_SENT
      }
    },
    // The host's own Request and Response stay what they are: other servers live in the same process.
    { overrideGlobalObjects: false },
  )
  const server = createServer(listener)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, hostname, () => resolve())
  })
  const address = server.address()
  const boundPort = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://${hostname.includes(':') ? `[${hostname}]` : hostname}:${boundPort}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
