/** Certificates and lists that their issuer signed, and that are not what their place demands. */
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../../src/core/bytes.js'
import type { CollateralDocuments } from '../../../src/core/dcap/collateral.js'
import { parseTrustedRoot } from '../../../src/core/dcap/trusted-root.js'
import { encodePemChain, parsePemChain } from '../../../src/core/tdx/pem.js'
import { encodeQuote, parseQuote } from '../../../src/core/tdx/quote.js'
import { refusalOf } from '../tdx/samples.js'
import { type Edit, hexOf, resignedCertificate, resignedCrl } from './resigned.js'
import { AUTHORITY, collateralOf, evaluate, failuresOf, type Scene } from './samples.js'

const { root, platformCa } = AUTHORITY.issuers
const [LEAF, CA, ROOT_DER] = AUTHORITY.certificateChain as [Uint8Array, Uint8Array, Uint8Array]
const SIGNING = AUTHORITY.tcbSigningChain[0]!

/** Extension values, as they are in DER. */
const END_ENTITY_USAGE = '030206c0'
const CA_USAGE = '03020106'
const PATH_LENGTH_0 = '30060101ff020100'
const SGX_OID = '06092a864886f84d010d01'

interface Chains {
  readonly leaf?: Uint8Array
  readonly ca?: Uint8Array
  readonly root?: Uint8Array
  readonly signing?: Uint8Array
}

function sceneOf({ leaf = LEAF, ca = CA, root = ROOT_DER, signing = SIGNING }: Chains): Scene {
  const certificateChain = encodePemChain([leaf, ca, root])
  const signingChain = encodePemChain([signing, root])
  return {
    root: parseTrustedRoot(root),
    documents: {
      pck_crl_issuer_chain: encodePemChain([ca, root]),
      tcb_info_issuer_chain: signingChain,
      qe_identity_issuer_chain: signingChain,
    },
    change(bytes) {
      const quote = parseQuote(bytes)
      const certificationData = { ...quote.certificationData, certificateChain }
      return encodeQuote({ ...quote, certificationData })
    },
  }
}

const leaf = (...edits: Edit[]) =>
  sceneOf({ leaf: resignedCertificate(LEAF, platformCa, ...edits) })
const ca = (...edits: Edit[]) => sceneOf({ ca: resignedCertificate(CA, root, ...edits) })
const anchor = (...edits: Edit[]) =>
  sceneOf({ root: resignedCertificate(ROOT_DER, root, ...edits) })
const signing = (...edits: Edit[]) =>
  sceneOf({ signing: resignedCertificate(SIGNING, root, ...edits) })

const renamed = (from: string, to: string): Edit => [hexOf(from), hexOf(to)]
const LEAF_NAME = 'Intel SGX PCK Certificate'
/** Its own key identifier, as the issuer's in another certificate. */
function keyIdentifierOf(der: Uint8Array): string {
  return /0603551d0e0416 ?0414([0-9a-f]{40})/.exec(toHex(der))?.[1] ?? 'none'
}

describe('signed again without a change', () => {
  it('all is well', () => {
    for (const scene of [leaf(), ca(), anchor(), signing()]) {
      expect(failuresOf(evaluate(scene))).toEqual([])
    }
  })
})

describe('a certificate is refused that', () => {
  it.each<[string, Scene, string]>([
    [
      'has another name in the place of the leaf',
      leaf(renamed(LEAF_NAME, 'Intel SGX PCK Certificatf')),
      'pckChain CERTIFICATE_PROFILE',
    ],
    [
      'is a leaf that may not sign',
      leaf([END_ENTITY_USAGE, '03020640']),
      'pckChain CERTIFICATE_PROFILE',
    ],
    [
      'is a leaf that may sign certificates',
      leaf([END_ENTITY_USAGE, '03020284']),
      'pckChain CERTIFICATE_PROFILE',
    ],
    [
      'is a CA that may not sign certificates',
      ca([CA_USAGE, '03020102']),
      'pckChain CERTIFICATE_PROFILE',
    ],
    ['is a CA that may not sign lists', ca([CA_USAGE, '03020204']), 'pckCrl CRL_ISSUER'],
    [
      'allows CAs below itself',
      ca([PATH_LENGTH_0, '30060101ff020101']),
      'pckChain CERTIFICATE_PROFILE',
    ],
    [
      'is a root that allows too many',
      anchor(['30060101ff020101', '30060101ff020102']),
      'pckChain CERTIFICATE_PROFILE',
    ],
    [
      'names another key of its issuer',
      leaf([keyIdentifierOf(CA), '00'.repeat(20)]),
      'pckChain CERTIFICATE_SIGNATURE',
    ],
    [
      'is of a platform and says nothing of it',
      leaf([`${SGX_OID}04`, `${SGX_OID.slice(0, -2)}0204`]),
      'platform CERTIFICATE_PROFILE',
    ],
    [
      'has a critical extension that nobody knows',
      leaf(['0603551d0f0101ff', '0603551d630101ff']),
      'pckChain DER_MALFORMED',
    ],
    ['has an extension twice', leaf(['0603551d0e', '0603551d23']), 'pckChain DER_MALFORMED'],
    [
      'writes that it is no CA',
      { ...ca([PATH_LENGTH_0, '3006010100020100']), documents: {} },
      'pckChain DER_MALFORMED',
    ],
    ['is of another version', leaf(['a003020102', 'a003020101']), 'pckChain DER_MALFORMED'],
    [
      'is for another curve',
      leaf(['06082a8648ce3d030107', '06082a8648ce3d030106']),
      'pckChain DER_MALFORMED',
    ],
  ])('%s', (_, scene, expected) => {
    const [first] = failuresOfScene(scene)
    expect(first).toBe(expected)
  })

  it('signs statements and is named as something else', () => {
    const scene = () => signing(renamed('Intel SGX TCB Signing', 'Intel SGX TCB Sighing'))
    expect(failuresOfScene(scene())).toEqual([
      'tcbInfo CERTIFICATE_PROFILE',
      'qeIdentity CERTIFICATE_PROFILE',
    ])
  })
})

describe('a list is refused that', () => {
  const crl = (name: 'pck_crl' | 'root_ca_crl', ...edits: Edit[]): Scene => {
    const collateral = { revoked: ['pck', 'platformCa'] as const }
    const bytes = fromHex(`0x${collateralOf(collateral)[name]}`)
    const issuer = name === 'pck_crl' ? platformCa : root
    const documents = { [name]: toHex(resignedCrl(bytes, issuer, ...edits)).slice(2) }
    return { documents: documents as Partial<CollateralDocuments> }
  }
  const NUMBER = '0603551d140403020101'

  it('revokes the platform, when signed again without a change', () => {
    expect(failuresOfScene(crl('pck_crl'))).toEqual(['pckCrl CERTIFICATE_REVOKED'])
    expect(failuresOfScene(crl('root_ca_crl'))).toEqual(['pckCrl CERTIFICATE_REVOKED'])
  })

  it.each<[string, Edit]>([
    ['has no number', [NUMBER, NUMBER.replace('551d14', '551d63')]],
    ['has no key identifier', ['0603551d23', '0603551d63']],
    ['is version 1', ['020101300a06082a8648', '020100300a06082a8648']],
  ])('%s', (_, edit) => {
    for (const name of ['pck_crl', 'root_ca_crl'] as const) {
      expect(refusalOf(() => evaluate(crl(name, edit))).code).toBe('DER_MALFORMED')
    }
  })

  it('names another key of its issuer', () => {
    const identifier = keyIdentifierOf(CA)
    const scene = crl('pck_crl', [identifier, '00'.repeat(20)])
    expect(failuresOfScene(scene)).toEqual(['pckCrl CRL_ISSUER'])
  })
})

function failuresOfScene(scene: Scene): string[] {
  return failuresOf(evaluate(scene))
}

it('the samples hold what is edited', () => {
  expect(keyIdentifierOf(CA)).toMatch(/^[0-9a-f]{40}$/)
  expect(parsePemChain(encodePemChain([LEAF]))).toEqual([LEAF])
})
