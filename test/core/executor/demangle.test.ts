import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { demangle } from '../../../src/core/executor/demangle.js'

describe('legacy names', () => {
  it.each([
    ['_ZN4core3fmt5write17h0123456789abcdefE', 'core::fmt::write'],
    ['_ZN3std2io5stdio6_print17h0123456789abcdefE.llvm.123', 'std::io::stdio::_print'],
    [
      '_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE',
      "<Test + 'static as foo::Bar<Test>>::bar",
    ],
    ['_ZN10alloc..vec3VecE', 'alloc::vec::Vec'],
    ['_ZN3foo17h05af221e174051e9E', 'foo'],
  ])('%s', (symbol, name) => {
    expect(demangle(symbol)).toBe(name)
  })
})

describe('v0 names', () => {
  it.each([
    ['_RNvCs1234_7mycrate3foo', 'mycrate::foo'],
    ['_RNvNtCs6Nwz3ZTwzZf_4core9panicking9panic_fmt', 'core::panicking::panic_fmt'],
    ['_RNCNvCs1234_7mycrate4main0B3_', 'mycrate::main::{closure#0}'],
    ['_RNCNvCs1234_7mycrate4mains_0B3_', 'mycrate::main::{closure#1}'],
    ['_RINvCs1234_7mycrate3fooReE', 'mycrate::foo::<&str>'],
    ['_RINvCs1234_7mycrate3fooTjEAhj10_E', 'mycrate::foo::<(usize,), [u8; 16]>'],
    ['_RINvCs1234_7mycrate3fooPxOyQmE', 'mycrate::foo::<*const i64, *mut u64, &mut u32>'],
    ['_RINvCs1234_7mycrate3fooFUKChEuE', 'mycrate::foo::<unsafe extern "C" fn(u8)>'],
    ['_RINvCs1234_7mycrate3fooFEzE', 'mycrate::foo::<fn() -> !>'],
    ['_RINvCs1234_7mycrate3fooKj7b_Kln5_Kb1_Kc61_E', "mycrate::foo::<123, -5, true, 'a'>"],
    ['_RNvMNtCs1234_7mycrate3BarNtB2_3Bar3baz', '<mycrate::Bar::Bar>::baz'],
    [
      '_RNvXs1i_NtCs6Nwz3ZTwzZf_4core3fmtReNtB6_7Display3fmtB8_',
      '<&str as core::fmt::Display>::fmt',
    ],
    [
      '_RNvXs1g_NtCs6Nwz3ZTwzZf_4core3fmtRDNtB6_5DebugEL_Bx_3fmtB8_',
      '<&dyn core::fmt::Debug as core::fmt::Debug>::fmt',
    ],
    ['_RNvYNtC1a1SNtC1b1T1f', '<a::S as b::T>::f'],
    ['_RNvC1a1f.llvm.1234', 'a::f'],
    ['_RNvC1au4foo_1', 'a::punycode{foo_}'],
  ])('%s', (symbol, name) => {
    expect(demangle(symbol)).toBe(name)
  })
})

describe('anything else', () => {
  it.each([
    'memcpy',
    '',
    '_R',
    '_RNv',
    '_RNvC9999a1f',
    '_RB_',
    '_RNvB9_1f',
    '_ZN',
    '_ZNE',
    '_ZN9fooE',
    '_ZN3foo',
    // What refers back to itself, again and again, would be very long.
    `_R${'I'.repeat(30)}C1a${'TB_B_EE'.repeat(30)}`,
    `_RINvC1a1f${'R'.repeat(10_000)}hE`,
  ])('%s stays as it is', (symbol) => {
    expect(demangle(symbol)).toBe(symbol)
  })

  it('never throws, and ends soon', () => {
    const anyTail = fc.string({
      unit: fc.constantFrom(...'CMXYNIBRTASFDEKLGhj0123456789_sunvfoo'),
      maxLength: 80,
    })
    fc.assert(
      fc.property(fc.constantFrom('_R', '_RNv', '_RINvC1a1f', '_ZN'), anyTail, (head, tail) => {
        expect(typeof demangle(head + tail)).toBe('string')
      }),
      { numRuns: 5000 },
    )
  })
})
