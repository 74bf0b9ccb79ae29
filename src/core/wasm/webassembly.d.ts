/** The part of the WebAssembly API that is used here; TypeScript has it only in its DOM library. */
declare namespace WebAssembly {
  function validate(bytes: Uint8Array): boolean
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(
      module: Module,
      imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
    )
    readonly exports: Readonly<Record<string, unknown>>
  }
  class Memory<B extends ArrayBufferLike = SharedArrayBuffer> {
    constructor(
      size: { initial: number; maximum: number } & (B extends SharedArrayBuffer
        ? { shared: true }
        : { shared?: false }),
    )
    readonly buffer: B
    /** Detaches `buffer`. */
    grow(pages: number): number
  }
  class Table {
    constructor(size: { element: 'anyfunc'; initial: number; maximum?: number })
    readonly length: number
    grow(by: number): number
    get(index: number): unknown
    set(index: number, value: unknown): void
  }
}
