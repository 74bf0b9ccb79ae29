/** Attestations of signers in PostgreSQL. */
import type pg from 'pg'
import { MAX_ATTESTATIONS } from './job-store.js'

export async function keepAttestation(
  pool: pg.Pool,
  signer: string,
  attestation: string,
): Promise<void> {
  await pool.query(
    'insert into sp1_tee.attestations (signer, attestation) values ($1, $2) on conflict do nothing',
    [signer, attestation],
  )
  await pool.query(
    `delete from sp1_tee.attestations
     where seq <= (select seq from sp1_tee.attestations order by seq desc limit 1 offset $1)`,
    [MAX_ATTESTATIONS],
  )
}

export async function findAttestation(pool: pg.Pool, signer: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ attestation: string }>(
    'select attestation from sp1_tee.attestations where signer = $1',
    [signer],
  )
  return rows[0]?.attestation
}
