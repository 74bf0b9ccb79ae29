local.get $x11
i64.extend_i32_u
local.get $x12
i64.extend_i32_u
i64.mul
i64.const 32
i64.shr_u
i32.wrap_i64
local.set $x10
