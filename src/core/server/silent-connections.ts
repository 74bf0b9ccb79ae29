/** Connections that nothing was asked on. Node takes them for busy, so one would hold up a server that stops. */
import type { FastifyInstance, FastifyRequest } from 'fastify'

type Connection = FastifyRequest['raw']['socket']

/** @returns what closes them */
export function watchSilentConnections({ server }: FastifyInstance): () => void {
  /** By the client's address: with TLS a request has another socket than its connection. */
  const silent = new Map<string, Connection>()
  server.on('connection', (socket: Connection) => {
    const key = keyOf(socket)
    silent.set(key, socket)
    socket.once('close', () => {
      if (silent.get(key) === socket) silent.delete(key)
    })
  })
  server.on('request', ({ socket }: { socket: Connection }) => silent.delete(keyOf(socket)))
  return () => {
    for (const socket of silent.values()) socket.destroy()
  }
}

function keyOf({ remoteAddress, remotePort }: Connection): string {
  return `${remoteAddress} ${remotePort}`
}
