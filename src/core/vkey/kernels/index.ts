/** What the module exports. It imports its memory and has no data of its own. */
export { extend, fillPowers } from './transform'
export { addWords, attachSums } from './septic'
export { absorb, attach, compress, permuteBlocks } from './tree'
