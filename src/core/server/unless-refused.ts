/** What comes in pieces is told if it is not wanted. */
export async function unlessRefused<T>(
  pieces: AsyncIterable<Uint8Array>,
  take: () => Promise<T>,
): Promise<T> {
  try {
    return await take()
  } catch (error) {
    await pieces[Symbol.asyncIterator]().return?.()
    throw error
  }
}
