#!/usr/bin/env node
// package.json asks for a newer Node than oclif does; its question would cost the loading of semver.
process.env.OCLIF_DISABLE_ENGINE_WARNING = '1'
const { execute } = await import('@oclif/core')
await execute({ dir: import.meta.url })
