#!/usr/bin/env node
import { execFileSync } from 'node:child_process'

// From source: what is built is always what runs.
execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: `${import.meta.dirname}/..` })
await import('./run.js')
