/** The HTTP interface, one row per route. What every route may answer besides is in app.ts. */
import { PROOF_ROUTES } from './proof-routes.js'
import type { Route } from './route.js'
import { SEED_ROUTES } from './seed-routes.js'
import { SERVICE_ROUTES } from './service-routes.js'
import { SUCCINCT_ROUTES } from './succinct-routes.js'

export const ROUTES: readonly Route[] = [
  ...SEED_ROUTES,
  ...SUCCINCT_ROUTES,
  ...PROOF_ROUTES,
  ...SERVICE_ROUTES,
]
