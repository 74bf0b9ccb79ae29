/** What people read when a quote cannot be had, or is none. */
import { expect, it } from 'vitest'
import { type ERROR_TABLES, InputError, UnavailableError } from '../../../src/core/errors.js'

type DeviceCode = keyof (typeof ERROR_TABLES)['device']['rows']

it('says of a machine that gives no quote what to do', () => {
  const step = 'outblob'
  const errors: Record<DeviceCode, UnavailableError> = {
    TDX_DEVICE_MISSING: new UnavailableError('TDX_DEVICE_MISSING', { reason: 'no driver' }),
    TDX_PERMISSION_DENIED: new UnavailableError('TDX_PERMISSION_DENIED', { step, errno: 'EPERM' }),
    TDX_PROVIDER_OTHER: new UnavailableError('TDX_PROVIDER_OTHER', { found: 'sev_guest' }),
    TDX_BUSY: new UnavailableError('TDX_BUSY', { step }),
    TDX_TIMEOUT: new UnavailableError('TDX_TIMEOUT', { step }),
    QUOTE_TIMEOUT: new UnavailableError('QUOTE_TIMEOUT', { provider: 'http', seconds: 120 }),
    TDX_INTERRUPTED: new UnavailableError('TDX_INTERRUPTED', { step }),
    TDX_HOST_FAILED: new UnavailableError('TDX_HOST_FAILED', { step, errno: 'EIO' }),
    TDX_REQUEST_REFUSED: new UnavailableError('TDX_REQUEST_REFUSED', { step }),
    TDX_REQUEST_LOST: new UnavailableError('TDX_REQUEST_LOST', { expected: 1, actual: 0 }),
    TDX_DEVICE_FAILED: new UnavailableError('TDX_DEVICE_FAILED', { step, reason: 'ENOMEM' }),
    QUOTE_SERVICE_UNREACHABLE: new UnavailableError('QUOTE_SERVICE_UNREACHABLE', {
      provider: 'dstack',
      address: '/var/run/dstack.sock',
      reason: 'ECONNREFUSED',
    }),
    QUOTE_SERVICE_ANSWER: new UnavailableError('QUOTE_SERVICE_ANSWER', {
      provider: 'http',
      address: 'http://127.0.0.1:8080/',
      reason: 'status 503 (busy)',
    }),
    QUOTE_UNUSABLE: new UnavailableError('QUOTE_UNUSABLE', {
      provider: 'configfs',
      bytes: 0,
      reason: 'there are none',
    }),
    QUOTE_FOREIGN: new UnavailableError('QUOTE_FOREIGN', {
      provider: 'configfs',
      offset: 12,
      asked: '0x01',
      got: '0x02',
    }),
    REPORT_DATA_INDIRECT: new UnavailableError('REPORT_DATA_INDIRECT', { provider: 'azure' }),
    VTPM_FAILED: new UnavailableError('VTPM_FAILED', { tool: 'tpm2_nvread', reason: 'denied' }),
    HCL_REPORT_STALE: new UnavailableError('HCL_REPORT_STALE', { waitedSeconds: 9 }),
    QUOTE_SIMULATION: new UnavailableError('QUOTE_SIMULATION', {
      provider: 'configfs',
      simulated: true,
    }),
  }
  const messages = Object.values(errors).map(({ message }) => message)
  expect(`\n${messages.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    No quote can be had here: no driver. Run inside a TDX virtual machine with Linux 6.7 or newer and the tdx_guest module loaded; for development only, choose --provider simulated.
    The kernel's quote interface refused access (EPERM at outblob). Run as root, in a container with /sys/kernel/config mounted for writing.
    The kernel's quote interface is served by sev_guest, not by tdx_guest. Run inside an Intel TDX virtual machine.
    The host is still busy with an earlier quote request (EBUSY at outblob). Try again in a minute; if it stays, restart the virtual machine.
    The host did not answer the quote request in time (ETIMEDOUT at outblob). Check that its quote generation service runs and reaches its provisioning service.
    The provider http gave no quote within 120 s. Look at the host's quote service; if it stays, restart the virtual machine.
    A signal interrupted the quote request again and again (EINTR at outblob). Run the command again.
    The host failed to make the quote (EIO at outblob). Check its quote generation service and that the platform is registered with Intel.
    The kernel refused the quote request (EINVAL at outblob). Update the guest's kernel to 6.7 or newer.
    The kernel did not take exactly our quote request (generation 0, not 1). Run it again; leave the folders below /sys/kernel/config/tsm/report alone.
    The kernel's quote interface failed (ENOMEM at outblob). Look into the kernel's log (dmesg).
    The quote service of provider dstack at /var/run/dstack.sock does not answer: ECONNREFUSED. Check that it runs, and that this user may use it.
    The quote service of provider http at http://127.0.0.1:8080/ gave no quote: status 503 (busy). Look into its log.
    The provider configfs gave 0 bytes that are no usable quote: there are none. Check the host's quote generation service and try again.
    The provider configfs gave a quote over other report data than asked for (0x02, not 0x01, at offset 12). It was discarded; try again.
    Quotes of provider azure carry a hash of runtime data in place of the report data, which a registry cannot read. Register on a machine whose quotes come from configfs, dstack or http; \`attest\` and \`quote verify --runtime-data\` work here.
    The virtual TPM could not be used (tpm2_nvread: denied). Install tpm2-tools, and run as root or as a member of group tss.
    Azure's paravisor did not answer for our report data within 9 s. Try again, and let nobody else write NV index 0x01400002 meanwhile.
    The provider configfs should give real quotes and gave a simulated one. Do not trust this machine's host.
    "
  `)
})

it('says of bytes that are no quote where they are wrong', () => {
  const messages = [
    new InputError('QUOTE_TRUNCATED', { field: 'body', offset: 48, need: 584, have: 10 }),
    new InputError('QUOTE_UNSUPPORTED', {
      field: 'version',
      offset: 0,
      value: 2,
      supported: '3, 4, 5',
    }),
    new InputError('QUOTE_LENGTH', { field: 'body', offset: 50, stated: 584, actual: 648 }),
    new InputError('QUOTE_MALFORMED', { field: 'certificateChain', offset: 9, reason: 'is bad' }),
    new InputError('QUOTE_TRAILING', { field: 'padding', offset: 5000 }),
    new InputError('REPORT_DATA_LENGTH', { have: 32 }),
    new InputError('REPORT_DATA_MALFORMED', { field: 'padding', offset: 3, reason: 'is not zero' }),
    new InputError('TD_REPORT_MALFORMED', { field: 'reportType', offset: 0, reason: 'is 0' }),
    new InputError('HCL_REPORT_MALFORMED', { field: 'signature', offset: 0, reason: 'is bad' }),
    new InputError('EVENT_LOG_MALFORMED', { field: 'event', offset: 65, reason: 'is bad' }),
    new InputError('ATTESTATION_MALFORMED', { reason: 'is not JSON' }),
    new InputError('PEM_MALFORMED', { offset: 0, reason: 'it holds no certificate' }),
    new InputError('PROVIDER_UNKNOWN', { provider: 'sgx', known: 'auto, configfs' }),
    new InputError('SIMULATED_STATE', { path: 'authority.json', reason: 'is not JSON' }),
  ].map(({ message }) => message)
  expect(`\n${messages.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    The quote ends inside its body (584 bytes needed at offset 48, 10 there). Fetch or copy it again.
    The quote's version at offset 0 is 2; supported: 3, 4, 5. Fetch or copy it again, or ask for another kind of quote.
    The quote's body at offset 50 should have 584 bytes and has 648. Fetch or copy it again.
    The quote's certificateChain at offset 9 is bad. Fetch or copy it again.
    The quote is followed by bytes that are not zero (the first at offset 5000). Pass the quote alone.
    Report data must have 64 bytes, not 32. Correct it.
    The report data's padding at offset 3 is not zero. Report data are 64 bytes: 12 zero bytes, an address and a hash.
    The TDREPORT's reportType at offset 0 is 0. Pass the 1,024 bytes that the kernel gave.
    The HCL report's signature at offset 0 is bad. Read the vTPM's NV index again.
    The event log's event at offset 65 is bad. Pass the data of the CCEL table, as the kernel gives them.
    The attestation is not JSON. Pass what \`attest --json\` printed.
    The certificate chain is not PEM: it holds no certificate (character 0). Pass CERTIFICATE blocks and nothing else.
    There is no quote provider sgx. Choose one of: auto, configfs.
    The simulated authority's file authority.json is not JSON. Remove its folder and let a new authority be made.
    "
  `)
})
