/** Requests without a socket, and what tests ask of the answers. */
import { expect } from 'vitest'
import type { TestService } from './service.js'

// biome-ignore lint/suspicious/noExplicitAny: tests look into JSON of any shape
export type Json = any

export interface Answer {
  readonly status: number
  readonly type: string
  readonly headers: Record<string, unknown>
  readonly text: string
  readonly bytes: Uint8Array
  readonly json: Json
}

export const JSON_TYPE = { 'content-type': 'application/json' }
export const BINARY_TYPE = { 'content-type': 'application/octet-stream' }

export async function send(
  { app }: TestService,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  payload?: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = typeof payload === 'string' || !payload ? payload : Buffer.from(payload)
  const response = await app.inject({ method, url, headers, ...(body && { payload: body }) })
  const type = String(response.headers['content-type']).split(';')[0] ?? ''
  const json = /json/.test(type) ? JSON.parse(response.payload) : undefined
  const { statusCode: status, headers: received, payload: text } = response
  return { status, type, headers: received, text, bytes: response.rawPayload, json }
}

export function postJson(
  service: TestService,
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return send(service, 'POST', url, JSON.stringify(body), { ...JSON_TYPE, ...headers })
}

/** The job once it has ended. */
export async function ended(
  service: TestService,
  id: string,
  headers: Record<string, string> = {},
): Promise<Json> {
  for (;;) {
    const { status, json } = await send(service, 'GET', `/v1/proofs/${id}`, undefined, headers)
    if (status !== 200 || !['queued', 'running'].includes(json.state)) return json
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export function expectProblem(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.json?.code]).toEqual([status, code])
  expect(answer.type).toBe('application/problem+json')
  expect(answer.json).toMatchObject({ status, title: code, detail: expect.any(String) })
}
