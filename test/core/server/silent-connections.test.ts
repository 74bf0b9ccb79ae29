import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { startService } from '../../support/service.js'

it('connections that ask nothing do not hold up a server that stops', async () => {
  const { app } = await startService()
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const port = Number(new URL(url).port)
  const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  // Half a request is none either.
  sockets[1]?.write('GET /healthz HTTP/1.1\r\nHost:')
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  const closed = sockets.map((socket) => {
    socket.on('error', () => {})
    return once(socket, 'close')
  })
  const deadline = AbortSignal.timeout(30_000)
  await app.drain(deadline)
  expect(deadline.aborted).toBe(false)
  await Promise.all(closed)
}, 60_000)
