/** The text of an answer, which is as long as the server likes. */

/** @returns undefined for an answer of more bytes. */
export async function readText(response: Response, maxBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder()
  // Not every browser iterates over a stream.
  const reader = response.body?.getReader()
  let text = ''
  let size = 0
  for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
    size += read.value.length
    if (size > maxBytes) {
      await reader?.cancel()
      return undefined
    }
    text += decoder.decode(read.value, { stream: true })
  }
  return text + decoder.decode()
}
