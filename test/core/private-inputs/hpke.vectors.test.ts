/** The cipher suite of private inputs against the values that RFC 9180 prints, appendix A.1.1. */
import * as hpke from 'hpke'
import { expect, it } from 'vitest'
import { fromHex, toHex } from '../../../src/core/bytes.js'
import { createInputKey } from '../../../src/core/private-inputs/sealed-inputs.js'

const IKM_R = '0x6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037'
const PK_RM = '0x3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d'
const ENC = '0x37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431'
const INFO = '0x4f6465206f6e2061204772656369616e2055726e'
const PLAINTEXT = '0x4265617574792069732074727574682c20747275746820626561757479'
const AAD = '0x436f756e742d30'
const CIPHERTEXT =
  '0xf938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a'

it('derives the key pair of the input key material', async () => {
  expect((await createInputKey(() => fromHex(IKM_R))).publicKey).toBe(PK_RM)
})

it('opens the first message', async () => {
  const suite = new hpke.CipherSuite(
    hpke.KEM_DHKEM_X25519_HKDF_SHA256,
    hpke.KDF_HKDF_SHA256,
    hpke.AEAD_AES_128_GCM,
  )
  const pair = await suite.DeriveKeyPair(fromHex(IKM_R))
  const context = await suite.SetupRecipient(pair, fromHex(ENC), { info: fromHex(INFO) })
  expect(toHex(await context.Open(fromHex(CIPHERTEXT), fromHex(AAD)))).toBe(PLAINTEXT)
})
